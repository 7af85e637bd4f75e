// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Store;

namespace Tombolo.Grants;

/// <summary>One grant in the book: a memfd of its own, granted to one domain.</summary>
internal sealed class GrantedArea(BookMember granter, DomainId to, GrantRef first, int pages, bool isReadOnly, SafeFd memory)
{
    public BookMember Granter { get; } = granter;
    public DomainId To { get; } = to;
    public GrantRef First { get; } = first;
    public int Pages { get; } = pages;
    public bool IsReadOnly { get; } = isReadOnly;
    public SafeFd Memory { get; } = memory;
    /// <summary>How many mappings there are.</summary>
    public int Mappings { get; set; }
    /// <summary>Nobody may map it any more; it ends with its last mapping.</summary>
    public bool IsRevoked { get; set; }
}

/// <summary>One mapping of a grant.</summary>
internal sealed record BookMapping(uint Id, GrantedArea Area, int FirstPage, int Pages, bool IsWritable);

/// <summary>One end of an event channel.</summary>
internal sealed class BookPort(BookMember holder, EventPort port, DomainId remote, SafeFd own, SafeFd others)
{
    public BookMember Holder { get; } = holder;
    public EventPort Port { get; } = port;
    public DomainId Remote { get; } = remote;
    /// <summary>The eventfd on which this end hears; shared with whoever is bound to it.</summary>
    public SafeFd Own { get; } = own;
    /// <summary>The eventfd on which the other end hears.</summary>
    public SafeFd Others { get; } = others;
    /// <summary>Who is bound to it; null: unbound, the remote domain may bind.</summary>
    public BookPort? Peer { get; set; }
    /// <summary>In a port declared again: the other end's number; 0 where this end was made unbound, or is new.</summary>
    public EventPort WasBoundTo { get; init; }
}

/// <summary>One process that stands in the book as a domain; a domain may have several.</summary>
internal sealed class BookMember(DomainId domain, string who)
{
    public DomainId Domain { get; } = domain;
    /// <summary>What it is, for lists.</summary>
    public string Who { get; } = who;
    public Dictionary<GrantRef, GrantedArea> Areas { get; } = [];
    public Dictionary<uint, BookMapping> Mappings { get; } = [];
    public Dictionary<EventPort, BookPort> Ports { get; } = [];
    /// <summary>Mappings whose grant has not been declared again.</summary>
    public Dictionary<uint, BookClaim> Claims { get; } = [];
}

/// <summary>A domain in the book: its table of grants and its ports, of all its members.</summary>
internal sealed class BookDomain(DomainId id)
{
    public DomainId Id { get; } = id;
    public HashSet<BookMember> Members { get; } = [];
    /// <summary>By every page's reference.</summary>
    public Dictionary<GrantRef, GrantedArea> Pages { get; } = [];
    public Dictionary<EventPort, BookPort> Ports { get; } = [];
    public int Areas { get; set; }
    public int Mappings { get; set; }
    public uint NextReference { get; set; } = GrantRef.First;
    public uint NextPort { get; set; } = 1;
    public bool IsEmpty => Members.Count == 0 && Pages.Count == 0;
}
