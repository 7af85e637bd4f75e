// SPDX-License-Identifier: MIT
using System.Text.Json.Serialization;

namespace Tombolo.Fabric;

/// <summary>A declared window in which machines, and host programs, grant each other pages: domains of it, by their places.</summary>
public sealed record GrantWindowDeclaration
{
    /// <summary>Its name, unique in the fabric.</summary>
    public required string Name { get; init; }
    /// <summary>Where QEMU and host programs join, as written: a file name in the state folder, or an absolute path.</summary>
    public required string Socket { get; init; }
    /// <summary>Permission bits of the socket file. Default 0600.</summary>
    public UnixFileMode Mode { get; init; } = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    /// <summary>Group of the socket file, a name or a number; null leaves it.</summary>
    public string? Group { get; init; }
    /// <summary>How many domains there may be, 1..255: machines, and host programs. Default 7.</summary>
    public int Places { get; init; } = 7;
    /// <summary>The domain of the first place; the others follow. Default: what follows the window before it, 1 for the first.</summary>
    public int First { get; init; } = 1;
    /// <summary>Pages that each domain can grant, 1..524288. Default 1024.</summary>
    public int Pages { get; init; } = 1024;
    /// <summary>Lines of each domain's grant table, a multiple of 64, 64..65536; eight are reserved. Default 1024.</summary>
    public int Grants { get; init; } = 1024;
    /// <summary>Ports of each domain, a multiple of 64, 64..65536. Default 1024.</summary>
    public int Ports { get; init; } = 1024;

    /// <summary>The domain of the last place.</summary>
    [JsonIgnore]
    public int Last => First + Places - 1;
}
