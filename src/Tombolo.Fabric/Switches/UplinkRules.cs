// SPDX-License-Identifier: MIT
using System.Text;
using Tombolo.Linux;

namespace Tombolo.Fabric;

/// <summary>What an uplink may be, in the file and on the command line alike.</summary>
internal static class UplinkRules
{
    private const string NamespaceFolder = "/run/netns";   // where 'ip netns' keeps names, ip-netns(8)

    /// <summary>An uplink to begin with. Behind it are others than us, so it learns who, unless somebody says which addresses it has.</summary>
    public static SwitchPortDeclaration Start(string name, SwitchUplinkDeclaration uplink, bool learns) => new() { Name = name, Socket = "", Uplink = uplink, Learns = learns };

    /// <summary>The file of a network namespace.</summary>
    public static string NamespacePath(string name) => Path.Combine(NamespaceFolder, name);

    /// <summary>What is wrong with it, each with the key that it is about; nothing where it is good, or no uplink.</summary>
    /// <param name="port">The port.</param>
    /// <param name="subject">The port, for a sentence.</param>
    public static IEnumerable<(string Key, string Sentence)> Problems(SwitchPortDeclaration port, string subject)
    {
        if (port.Uplink is not { } uplink) yield break;
        string of = $"of the uplink of {subject}", it = $"The uplink of {subject}";
        string[] kinds = [.. new[] { uplink.Tap is null ? null : "a tap", uplink.IsStream ? "a stream" : null, uplink.Replay is null && uplink.Record is null ? null : "a file" }.OfType<string>()];
        if (kinds.Length == 0)
        {
            yield return ("", $"{it} leads nowhere; give it a 'tap', a 'stream', or a file to 'replay' or 'record'.");
            yield break;
        }
        if (kinds.Length > 1) yield return ("", $"{it} leads to {string.Join(" and ", kinds)}; it can lead to one of them.");
        if (uplink.Tap is { } tap && !IsInterface(tap)) yield return ("tap", $"'tap' {of} is '{tap}'; an interface's name has 1 to {TapDevice.MaxNameBytes} bytes without blanks, '/', ':' and '%'.");
        if (uplink.NetworkNamespace is { } space)
        {
            if (uplink.Tap is null) yield return ("netns", $"{it} has 'netns' and no 'tap'; only a tap is in a network namespace.");
            if (!Path.IsPathRooted(space) && (space is "" or "." or ".." || space.Contains('/', StringComparison.Ordinal)))
                yield return ("netns", $"'netns' {of} is '{space}'; it must be a name that 'ip netns' knows, or an absolute path.");
        }
        if (port.Socket.Length > 0 && !uplink.IsStream) yield return ("", $"{it} has a socket and is no stream; only a stream has one.");
        if (port.Queues != 1) yield return ("queues", $"{Reading.Sentences.Upper(subject)} is an uplink and has 'queues'; only a network card has several.");
        if (port.Connects && !uplink.IsStream) yield return ("connect", $"{it} has 'connect' and no 'stream'; there is nothing else to connect to.");
        if (port.Mode != new SwitchPortDeclaration { Name = "", Socket = "" }.Mode && !uplink.IsStream) yield return ("mode", $"{it} has 'mode' and no 'stream'; only a socket has permission bits here.");
        if (uplink.Speed != 1 && uplink.Replay is null) yield return ("speed", $"{it} has 'speed' and nothing to 'replay'.");
        if (uplink.Replay is { } replay && replay == uplink.Record) yield return ("record", $"{it} replays {replay} and records into it; these must be two files.");
    }

    /// <summary>What an uplink has alone, so that no other may have it: the same thing has the same words.</summary>
    public static IEnumerable<(string Key, string Words)> Claims(SwitchPortDeclaration port)
    {
        if (port.Uplink?.Tap is { } tap) yield return ("tap", $"has the tap {tap}{(port.Uplink.NetworkNamespace is { } space ? $" in {NamespacePath(space)}" : "")}");
        if (port.Uplink?.Record is { } record) yield return ("record", $"records into {record}");
    }

    // As the kernel judges it (dev_valid_name), and without its patterns, such as tap%d.
    private static bool IsInterface(string name) => Encoding.UTF8.GetByteCount(name) is > 0 and <= TapDevice.MaxNameBytes && name is not ("." or "..") && !name.Any(static letter => char.IsWhiteSpace(letter) || letter is '/' or ':' or '%');
}
