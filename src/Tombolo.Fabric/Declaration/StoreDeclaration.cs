// SPDX-License-Identifier: MIT
namespace Tombolo.Fabric;

/// <summary>The declared store of names.</summary>
public sealed record StoreDeclaration
{
    /// <summary>Where clients connect, as written: a file name in the state folder, or an absolute path. Default store.sock.</summary>
    public string Socket { get; init; } = "store.sock";
    /// <summary>Permission bits of the socket file. Default 0600.</summary>
    public UnixFileMode Mode { get; init; } = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    /// <summary>Group of the socket file, a name or a number; null leaves it.</summary>
    public string? Group { get; init; }
    /// <summary>The journal's file, absolute, which outlives the fabric; null: one in the state folder, which ends with it.</summary>
    public string? Journal { get; init; }
    /// <summary>Whether there is a journal on disk. Without one, the nodes outlive a killed daemon, but not its keeper. Default true.</summary>
    public bool HasJournal { get; init; } = true;
    /// <summary>Which users are which domain, by name or number; others than these, and the user that the fabric runs as, are refused. Empty: everybody is domain 0.</summary>
    public IReadOnlyList<StoreUser> Domains { get; init; } = [];
    /// <summary>Nodes that are made where they are missing, parents before children.</summary>
    public IReadOnlyList<StoreNodeDeclaration> Keys { get; init; } = [];
}

/// <summary>A user of the store.</summary>
/// <param name="User">A name or a number.</param>
/// <param name="Domain">The domain that the user is.</param>
public sealed record StoreUser(string User, int Domain);

/// <summary>A declared node of the store.</summary>
/// <param name="Path">Its absolute path.</param>
/// <param name="Value">Its first value.</param>
/// <param name="Chmod">Its permissions, such as "n0,r5"; null: its parent's.</param>
public sealed record StoreNodeDeclaration(string Path, string Value, string? Chmod);
