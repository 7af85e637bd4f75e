// SPDX-License-Identifier: MIT
namespace Tombolo.Fabric;

/// <summary>A declared window of regions: named areas that one machine shares with its host.</summary>
public sealed record RegionsDeclaration
{
    /// <summary>Its name, unique in the fabric, among mailboxes too.</summary>
    public required string Name { get; init; }
    /// <summary>The layout file, absolute.</summary>
    public string Layout { get; init; } = "";
    /// <summary>Where the machine's QEMU connects, as written: a file name in the state folder, or an absolute path.</summary>
    public required string Qemu { get; init; }
    /// <summary>Where host clients connect, as written.</summary>
    public required string Clients { get; init; }
    /// <summary>Name of the shared memory object; null for memory without a name. Default null.</summary>
    public string? Memory { get; init; }
    /// <summary>Vectors of the machine's device; null for one for each region. Default null.</summary>
    public int? Vectors { get; init; }
    /// <summary>The server tells clients its version in words (<c>PROTOCOL_VER 0</c>) rather than as a number. Default false.</summary>
    public bool Words { get; init; }
    /// <summary>Permission bits of the clients' socket file; QEMU's has 0600. Default 0600.</summary>
    public UnixFileMode Mode { get; init; } = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    /// <summary>Group of the clients' socket file, a name or a number; null leaves it.</summary>
    public string? Group { get; init; }
    /// <summary>What policy allows, in the order of the file; empty: whoever can reach the socket may do everything. The user that the fabric runs as always may.</summary>
    public IReadOnlyList<RegionsRule> Rules { get; init; } = [];
}

/// <summary>What policy allows with regions.</summary>
/// <param name="Region">The region; null for all of the window's.</param>
/// <param name="MayWrite">Whether to write, or only to read.</param>
/// <param name="Who">Who may.</param>
public sealed record RegionsRule(string? Region, bool MayWrite, AccessList Who);
