// SPDX-License-Identifier: MIT
namespace Tombolo.Fabric;

/// <summary>The declared service that hands granted pages and event channels over between processes, and the windows in which machines have theirs.</summary>
public sealed record GrantsDeclaration
{
    /// <summary>Where processes connect, as written: a file name in the state folder, or an absolute path. Default grants.sock.</summary>
    public string Socket { get; init; } = "grants.sock";
    /// <summary>Permission bits of the socket file. Default 0600.</summary>
    public UnixFileMode Mode { get; init; } = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    /// <summary>Group of the socket file, a name or a number; null leaves it.</summary>
    public string? Group { get; init; }
    /// <summary>Nodes of the store under which the keys of an offer are made.</summary>
    public IReadOnlyList<string> Offers { get; init; } = [];
    /// <summary>Granted pages that each domain may have. Default 65536.</summary>
    public int Pages { get; init; } = 65536;
    /// <summary>Ports that each domain may have. Default 1024.</summary>
    public int Ports { get; init; } = 1024;
    /// <summary>Windows that machines share, in the order of the file.</summary>
    public IReadOnlyList<GrantWindowDeclaration> Windows { get; init; } = [];
}
