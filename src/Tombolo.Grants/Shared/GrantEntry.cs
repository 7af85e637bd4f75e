// SPDX-License-Identifier: MIT
using Tombolo.Store;

namespace Tombolo.Grants;

/// <summary>Flags of a grant. Source: Xen public/grant_table.h, version 1.</summary>
[Flags]
public enum GrantFlags : ushort
{
    /// <summary>No grant.</summary>
    None = 0,
    /// <summary>GTF_permit_access: the domain may map the page.</summary>
    PermitAccess = 1,
    /// <summary>GTF_accept_transfer: not used here.</summary>
    AcceptTransfer = 2,
    /// <summary>The two bits that say what kind of grant it is.</summary>
    TypeMask = 3,
    /// <summary>GTF_readonly.</summary>
    ReadOnly = 4,
    /// <summary>GTF_reading: the domain has the page mapped.</summary>
    Reading = 8,
    /// <summary>GTF_writing: it has it mapped for writing.</summary>
    Writing = 16,
    /// <summary>Both marks of a mapping.</summary>
    Mapped = Reading | Writing,
}

/// <summary>One line of a grant table: Xen's version 1 entry, changed as one 64-bit word.</summary>
/// <param name="Flags">What kind, and whether it is mapped.</param>
/// <param name="Domain">Who may map it.</param>
/// <param name="Frame">Which page: its offset in the window, divided by 4096.</param>
/// <remarks><code>0: flags u16 | 2: domain u16 | 4: frame u32</code></remarks>
public readonly record struct GrantEntry(GrantFlags Flags, DomainId Domain, uint Frame)
{
    /// <summary>The entry in a word.</summary>
    public static GrantEntry Of(ulong word) => new((GrantFlags)(ushort)word, new((ushort)(word >> 16)), (uint)(word >> 32));

    /// <summary>The entry as a word.</summary>
    public ulong Word => (ushort)Flags | ((ulong)Domain.Value << 16) | ((ulong)Frame << 32);

    /// <summary>Whether it is a grant that can be mapped.</summary>
    public bool IsGrant => (Flags & GrantFlags.TypeMask) == GrantFlags.PermitAccess;

    /// <summary>Whether somebody says that he has it mapped.</summary>
    public bool IsMapped => (Flags & GrantFlags.Mapped) != 0;

    /// <summary>What is left when nobody may map it anew: only what says that it is mapped, or nothing.</summary>
    public GrantEntry Revoked => IsMapped ? this with { Flags = Flags & ~(GrantFlags.TypeMask | GrantFlags.ReadOnly) } : default;
}

/// <summary>State of a port.</summary>
public enum PortState : byte
{
    /// <summary>Nobody's.</summary>
    Free = 0,
    /// <summary>Waits for its remote domain to bind.</summary>
    Unbound = 1,
    /// <summary>Bound to a port of the remote domain.</summary>
    Interdomain = 2,
}

/// <summary>One end of an event channel, changed as one 64-bit word.</summary>
/// <param name="State">What it is.</param>
/// <param name="Domain">The other domain.</param>
/// <param name="Port">Its port; 0 while unbound.</param>
/// <remarks><code>0: state u8 | 1: 0 | 2: domain u16 | 4: port u32</code></remarks>
public readonly record struct PortWord(PortState State, DomainId Domain, EventPort Port)
{
    /// <summary>The end in a word.</summary>
    public static PortWord Of(ulong word) => new((PortState)(byte)word, new((ushort)(word >> 16)), new((uint)(word >> 32)));

    /// <summary>The end as a word.</summary>
    public ulong Word => (byte)State | ((ulong)Domain.Value << 16) | ((ulong)Port.Value << 32);

    /// <summary>An end that waits for a domain.</summary>
    public static PortWord UnboundFor(DomainId domain) => new(PortState.Unbound, domain, default);

    /// <summary>An end that is bound.</summary>
    public static PortWord BoundTo(DomainId domain, EventPort port) => new(PortState.Interdomain, domain, port);
}
