// SPDX-License-Identifier: MIT
using System.CommandLine;
using Tombolo.Cli.Output;
using Tombolo.Fabric;

namespace Tombolo.Cli.Switch;

/// <summary>The options that make a port an uplink, and its words.</summary>
internal sealed class UplinkChoice
{
    private readonly Option<string?> _tap = new("--tap") { Description = "Make it an uplink: a tap of this host.", HelpName = "name" };
    private readonly Option<string?> _netns = new("--netns") { Description = "The network namespace of the tap: a name that 'ip netns' knows, or a path.", HelpName = "name" };
    private readonly Option<string?> _stream = new("--stream") { Description = "Make it an uplink: a UNIX stream socket, of passt or QEMU's '-netdev stream'.", HelpName = "path" };
    private readonly Option<string?> _replay = new("--replay") { Description = "Make it an uplink: send the frames of a pcap or pcapng file.", HelpName = "file" };
    private readonly Option<string?> _speed = new("--speed") { Description = "How much faster than it was recorded; 0 for as fast as can be.", HelpName = "factor" };
    private readonly Option<string?> _record = new("--record") { Description = "Make it an uplink: write what comes for it into a pcapng file.", HelpName = "file" };

    /// <summary>All of them.</summary>
    public IEnumerable<Option> All => [_tap, _netns, _stream, _replay, _speed, _record];

    /// <summary>Whether any is there.</summary>
    public bool IsGiven(ParseResult parsed) => All.Any(option => parsed.GetResult(option) is not null);

    /// <summary>The stream's socket, as written.</summary>
    public string? StreamOf(ParseResult parsed) => parsed.GetValue(_stream);

    /// <summary>What they say; null where the port is to be no uplink.</summary>
    /// <exception cref="CommandException">A value is none.</exception>
    public SwitchUplinkDeclaration? Of(ParseResult parsed)
    {
        if (!IsGiven(parsed)) return null;
        double speed = 1;
        if (parsed.GetValue(_speed) is { } text && !Quantities.TryFactor(text, out speed)) throw new CommandException($"--speed is '{Printable.Text(text)}'; it must be {Quantities.FactorRule}", ExitCode.WrongUse);
        return new()
        {
            Tap = parsed.GetValue(_tap),
            NetworkNamespace = parsed.GetValue(_netns),
            IsStream = parsed.GetValue(_stream) is not null,
            Replay = Full(parsed.GetValue(_replay)),
            Speed = speed,
            Record = Full(parsed.GetValue(_record)),
        };
    }

    /// <summary>Where an uplink leads.</summary>
    public static string Words(SwitchPortStatus port) => port.Settings.Uplink switch
    {
        { Tap: { } tap, NetworkNamespace: var space } => $"tap {tap}{(space is null ? "" : $" in {space}")}",
        { IsStream: true } => $"stream {port.Socket}",
        { } files => string.Join(", ", new[] { files.Replay is null ? null : $"replay {files.Replay}", files.Record is null ? null : $"record {files.Record}" }.OfType<string>()),
        null => "-",
    };

    private static string? Full(string? path) => path is null ? null : Path.GetFullPath(path);
}
