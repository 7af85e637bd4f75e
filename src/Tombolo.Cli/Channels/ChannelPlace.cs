// SPDX-License-Identifier: MIT
using System.CommandLine;
using Tombolo.Channels;
using Tombolo.Cli.Output;

namespace Tombolo.Cli.Channels;

/// <summary>Which channel a command means: a file with channels, and a name in it.</summary>
internal sealed class ChannelPlace
{
    private readonly Option<bool> _create = new("--create") { Description = "Make the file and the channel where they are not there." };
    private readonly Option<string> _capacity = new("--capacity") { Description = "With --create: bytes of its ring, a power of two.", HelpName = "size", DefaultValueFactory = _ => "1M" };

    private readonly Option<string> _kind = new("--kind") { Description = "With --create: ring (one sender, one receiver), fanin (up to 16 senders) or broadcast (up to 16 receivers).", HelpName = "kind", DefaultValueFactory = _ => "ring" };
    private const int MostSpokes = 16;

    /// <summary>The file.</summary>
    public Argument<string> Path { get; } = new("path") { Description = "The file with the channels, in /run or /dev/shm." };

    /// <summary>The name in it.</summary>
    public Option<string?> Name { get; } = new("-n", "--name") { Description = "Which channel of the file; by default its only one.", HelpName = "name" };

    /// <summary>For commands that may make what they need.</summary>
    public IEnumerable<Option> Creating => [_create, _capacity, _kind];

    /// <summary>Opens the file; with <c>--create</c> it and the channel are made.</summary>
    public ChannelArea Open(ParseResult parsed, bool mayCreate = false)
    {
        string path = parsed.GetRequiredValue(Path);
        if (!mayCreate || !parsed.GetValue(_create)) return Channel.OpenArea(path);
        string text = parsed.GetRequiredValue(_capacity);
        if (!ByteSize.TryParse(text, out long bytes) || bytes > int.MaxValue) throw new CommandException($"--capacity is '{text}'; give a number of bytes, as 65536 or 64K", ExitCode.WrongUse);
        string word = parsed.GetRequiredValue(_kind);
        ChannelKind kind = word switch
        {
            "ring" => ChannelKind.Ring,
            "fanin" => ChannelKind.FanIn,
            "broadcast" => ChannelKind.Broadcast,
            _ => throw new CommandException($"--kind is '{Printable.Text(word)}'; it must be ring, fanin or broadcast", ExitCode.WrongUse),
        };
        ChannelSpec spec = new() { Kind = kind, CapacityBytes = (int)bytes, Spokes = kind == ChannelKind.Ring ? 1 : MostSpokes };
        ChannelArea area = Channel.OpenArea(path, Channel.AreaBytes(spec));
        try { _ = area.Create(parsed.GetValue(Name) ?? Channel.DefaultName, spec); }
        catch
        {
            area.Dispose();
            throw;
        }
        return area;
    }

    /// <summary>The channel that is meant.</summary>
    /// <exception cref="CommandException">There is none of that name, or none was named and there are several.</exception>
    public ChannelInfo Choose(ParseResult parsed, ChannelArea area)
    {
        IReadOnlyList<ChannelInfo> all = area.List();
        string path = parsed.GetRequiredValue(Path);
        if (parsed.GetValue(Name) is { } name)
            return all.FirstOrDefault(one => one.Name == name) ?? throw new CommandException($"There is no channel '{name}' in {path}; there {(all.Count == 0 ? "is none" : $"are {NamesOf(all)}")}");
        return all.Count switch
        {
            0 => throw new CommandException($"There is no channel in {path}"),
            1 => all[0],
            _ => throw new CommandException($"{path} holds {NamesOf(all)}; say which with --name", ExitCode.WrongUse),
        };
    }

    private static string NamesOf(IEnumerable<ChannelInfo> all) => string.Join(", ", all.Select(one => one.Name));
}
