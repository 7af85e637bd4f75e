// SPDX-License-Identifier: MIT
namespace Tombolo.Bench;

/// <summary>What to measure with, and where to write it down.</summary>
internal sealed record BenchOptions
{
    /// <summary>Folder of the C programs.</summary>
    public required string Native { get; init; }

    /// <summary>The program tombolo.</summary>
    public required string Tombolo { get; init; }

    /// <summary>QEMU's own server, or null where it could not be had.</summary>
    public string? Stock { get; init; }

    /// <summary>Folder with Debian's xenstored and its shim, or null where it could not be had.</summary>
    public string? Xenstored { get; init; }

    /// <summary>What Open vSwitch's packages hold, or null where they could not be had.</summary>
    public string? OpenVSwitch { get; init; }

    /// <summary>The guest's kernel, or null: then nothing is measured in guests.</summary>
    public string? Kernel { get; init; }

    /// <summary>The guest's initramfs, guestmail in it.</summary>
    public string? Initramfs { get; init; }

    /// <summary>The guest's initramfs with ZeroMQ's programs in it, or null: then they are not measured.</summary>
    public string? ZeroMqInitramfs { get; init; }

    /// <summary>The results' file.</summary>
    public required string Out { get; init; }

    /// <summary>Which parts; none stands for all.</summary>
    public IReadOnlyList<string> Only { get; init; } = [];

    /// <summary>A tenth of everything: to see that it works, not to publish.</summary>
    public bool IsQuick { get; init; }

    public int Rounds => IsQuick ? 2 : 7;

    public int Trips => IsQuick ? 5_000 : 50_000;

    public static BenchOptions Parse(ReadOnlySpan<string> args)
    {
        var given = new Dictionary<string, string>(StringComparer.Ordinal);
        for (int at = 0; at < args.Length; at++)
        {
            if (args[at] == "--quick") given["--quick"] = "";
            else if (at + 1 < args.Length) given[args[at]] = args[++at];
        }
        return new()
        {
            Native = given["--native"],
            Tombolo = given["--tombolo"],
            Stock = given.GetValueOrDefault("--stock"),
            Xenstored = given.GetValueOrDefault("--xenstored"),
            OpenVSwitch = given.GetValueOrDefault("--openvswitch"),
            Kernel = given.GetValueOrDefault("--kernel"),
            Initramfs = given.GetValueOrDefault("--initramfs"),
            ZeroMqInitramfs = given.GetValueOrDefault("--zeromq"),
            Out = given["--out"],
            Only = given.GetValueOrDefault("--only")?.Split(',') ?? [],
            IsQuick = given.ContainsKey("--quick"),
        };
    }
}
