// SPDX-License-Identifier: MIT
namespace Tombolo.Fabric;

/// <summary>The grants of a fabric at one moment.</summary>
public sealed record GrantsStatus
{
    /// <summary>The socket that processes connect to.</summary>
    public required string Socket { get; init; }
    /// <summary>Whether it is served.</summary>
    public bool IsUp { get; init; }
    /// <summary>The domains that have processes there.</summary>
    public IReadOnlyList<int> Domains { get; init; } = [];
    /// <summary>How many grants there are.</summary>
    public int Grants { get; init; }
    /// <summary>How many pages they have in all.</summary>
    public int Pages { get; init; }
    /// <summary>How many ports there are.</summary>
    public int Ports { get; init; }
    /// <summary>The windows that machines share, as declared.</summary>
    public IReadOnlyList<GrantWindowStatus> Windows { get; init; } = [];
}

/// <summary>A window of grants at one moment.</summary>
public sealed record GrantWindowStatus
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }
    /// <summary>Where QEMU and host programs join.</summary>
    public required string Socket { get; init; }
    /// <summary>Whether it is looked after.</summary>
    public bool IsUp { get; init; }
    /// <summary>Whether its host took over from one that was killed.</summary>
    public bool TookOver { get; init; }
    /// <summary>Bytes of its memory.</summary>
    public long WindowBytes { get; init; }
    /// <summary>The domain of its first place.</summary>
    public int First { get; init; }
    /// <summary>Its places.</summary>
    public int Places { get; init; }
    /// <summary>Who is there, by domain.</summary>
    public IReadOnlyList<GrantMemberStatus> Members { get; init; } = [];
}

/// <summary>A domain in a window of grants.</summary>
/// <param name="Domain">Its number.</param>
/// <param name="Machine">The declared machine that it is; null for others.</param>
/// <param name="ProcessId">The process at the other end.</param>
/// <param name="Pages">How many pages it grants.</param>
/// <param name="Ports">How many ports it has.</param>
public sealed record GrantMemberStatus(int Domain, string? Machine, int ProcessId, int Pages, int Ports);
