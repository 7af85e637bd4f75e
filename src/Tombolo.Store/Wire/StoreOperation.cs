// SPDX-License-Identifier: MIT
namespace Tombolo.Store;

/// <summary>What a message of the store's protocol asks or says. Source: Xen public/io/xs_wire.h, enum xsd_sockmsg_type.</summary>
public enum StoreOperation : uint
{
    /// <summary>Asks or tells the server about itself; of privileged callers only.</summary>
    Control = 0,
    /// <summary>The names of a node's children.</summary>
    Directory = 1,
    /// <summary>A node's value.</summary>
    Read = 2,
    /// <summary>A node's permissions.</summary>
    GetPermissions = 3,
    /// <summary>Asks to be told of changes at and below a path.</summary>
    Watch = 4,
    /// <summary>Takes such a request back.</summary>
    Unwatch = 5,
    /// <summary>Begins a transaction.</summary>
    TransactionStart = 6,
    /// <summary>Commits ("T") or gives up ("F") a transaction.</summary>
    TransactionEnd = 7,
    /// <summary>Makes a domain known, with its ring page and port; of privileged callers only.</summary>
    Introduce = 8,
    /// <summary>Forgets a domain; of privileged callers only.</summary>
    Release = 9,
    /// <summary>The home path of a domain.</summary>
    GetDomainPath = 10,
    /// <summary>Sets a node's value, and makes it and its parents where they are missing.</summary>
    Write = 11,
    /// <summary>Makes a node where there is none.</summary>
    MakeDirectory = 12,
    /// <summary>Removes a node and all below it.</summary>
    Remove = 13,
    /// <summary>Sets a node's permissions.</summary>
    SetPermissions = 14,
    /// <summary>Server to client: something changed that is watched.</summary>
    WatchEvent = 15,
    /// <summary>Server to client: the request failed; the payload is the error's name.</summary>
    Error = 16,
    /// <summary>Whether a domain is known.</summary>
    IsDomainIntroduced = 17,
    /// <summary>Takes note that a domain goes on after a pause; of privileged callers only.</summary>
    Resume = 18,
    /// <summary>Gives a domain the rights of another; of privileged callers only.</summary>
    SetTarget = 19,
    /// <summary>Takes back all of the caller's watches, and gives up its transactions.</summary>
    ResetWatches = 21,
    /// <summary>A part of a long list of children.</summary>
    DirectoryPart = 22,
}

/// <summary>Why a request failed. Source: xs_wire.h, xsd_errors: the names travel, the numbers are the host's.</summary>
public enum StoreError
{
    /// <summary>It did not.</summary>
    None = 0,
    /// <summary>Not permitted.</summary>
    EPERM = 1,
    /// <summary>No such node, transaction or watch.</summary>
    ENOENT = 2,
    /// <summary>The transaction met a conflicting change; nothing of it was done.</summary>
    EAGAIN = 11,
    /// <summary>No memory.</summary>
    ENOMEM = 12,
    /// <summary>The node's permissions do not allow it.</summary>
    EACCES = 13,
    /// <summary>A transaction within a transaction.</summary>
    EBUSY = 16,
    /// <summary>Exists already.</summary>
    EEXIST = 17,
    /// <summary>The request makes no sense: a path, permission or argument that does not follow its grammar.</summary>
    EINVAL = 22,
    /// <summary>A quota: nodes, node size, transactions.</summary>
    ENOSPC = 28,
    /// <summary>Too many watches, or a reply that does not fit into a message.</summary>
    E2BIG = 7,
    /// <summary>An operation that this server does not have.</summary>
    ENOSYS = 38,
    /// <summary>Reading or writing failed underneath.</summary>
    EIO = 5,
    /// <summary>Is connected already.</summary>
    EISCONN = 106,
    /// <summary>A quota, in the words of another server.</summary>
    EQUOTA = 122,
    /// <summary>An error whose name this program does not know.</summary>
    Unknown = 255,
}
