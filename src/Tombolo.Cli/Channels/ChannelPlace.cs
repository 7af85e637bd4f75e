// SPDX-License-Identifier: MIT
using System.CommandLine;
using Tombolo.Channels;
using Tombolo.Cli.Client;
using Tombolo.Cli.Fabrics;
using Tombolo.Cli.Output;
using Tombolo.Fabric;
using Tombolo.Ivshmem;
using Tombolo.Mailbox;

namespace Tombolo.Cli.Channels;

/// <summary>Which channel a command means: a file with channels or a fabric's window, and a name in it.</summary>
internal sealed class ChannelPlace
{
    private readonly Option<bool> _create = new("--create") { Description = "Make the file and the channel where they are not there." };
    private readonly Option<string> _capacity = new("--capacity") { Description = "With --create: bytes of its ring, a power of two.", HelpName = "size", DefaultValueFactory = _ => "1M" };

    private readonly Option<string> _kind = new("--kind") { Description = "With --create: ring (one sender, one receiver), fanin (up to 16 senders) or broadcast (up to 16 receivers).", HelpName = "kind", DefaultValueFactory = _ => "ring" };
    private readonly Option<string?> _socket = new("--socket") { Description = "In place of a file: the socket of a doorbell server, in whose window the channels are.", HelpName = "path" };
    private readonly Option<string?> _device = new("--device") { Description = "In place of a file, in a guest: its ivshmem device, as PCI address or /dev/tombolo_window_*, or auto.", HelpName = "device" };
    private readonly Option<string> _at = new("--at") { Description = "With --socket or --device: where in the window the channels begin, a multiple of 4096.", HelpName = "offset", DefaultValueFactory = _ => "0" };
    private readonly FabricChoice _fabric = new();
    private readonly Option<string?> _mailbox = CommonOptions.Mailbox();
    private const int MostSpokes = 16;
    private const string AnyDevice = "auto";

    /// <summary>The file.</summary>
    public Argument<string?> Path { get; } = new("path") { Description = "The file with the channels, in /run or /dev/shm; none with --socket, --device or --fabric.", Arity = ArgumentArity.ZeroOrOne };


    /// <summary>The name in it.</summary>
    public Option<string?> Name { get; } = new("-n", "--name") { Description = "Which channel of the file; by default its only one.", HelpName = "name" };

    /// <summary>Gives a command the options: what it takes in place of a file, and what it needs where it may make one.</summary>
    public void AddTo(Command command, bool mayCreate = false)
    {
        foreach (Option option in (Option[])[_socket, _device, _at, _fabric.Option, _mailbox]) command.Add(option);
        if (!mayCreate) return;
        foreach (Option option in (Option[])[_create, _capacity, _kind]) command.Add(option);
    }

    /// <summary>Whether the channels are in a fabric's window, and no file is meant.</summary>
    public bool IsElsewhere(ParseResult parsed) => parsed.GetValue(_socket) is not null || parsed.GetValue(_device) is not null || IsFabric(parsed);

    private bool IsFabric(ParseResult parsed) => parsed.GetValue(_fabric.Option) is not null || parsed.GetValue(_mailbox) is not null;

    /// <summary>Opens the file or the window; with <c>--create</c> it and the channel are made.</summary>
    public ChannelGround Open(ParseResult parsed, bool mayCreate = false)
    {
        string name = parsed.GetValue(Name) ?? Channel.DefaultName;
        if (ChannelSpec.NameProblem(name) is { } problem) throw new CommandException(problem, ExitCode.WrongUse);
        ChannelSpec? made = mayCreate && parsed.GetValue(_create) ? SpecOf(parsed) : null;
        ChannelGround ground = IsElsewhere(parsed) ? OnFabric(parsed, made is not null) : InFile(FileOf(parsed), made, mayCreate);
        if (made is null) return ground;
        try { _ = ground.Area.Create(name, made); }
        catch
        {
            ground.Dispose();
            throw;
        }
        return ground;
    }

    private static ChannelGround InFile(string path, ChannelSpec? made, bool mayCreate)
    {
        if (made is not null) return ChannelGround.Of(Channel.OpenArea(path, Channel.AreaBytes(made)));
        if (mayCreate && !File.Exists(path)) throw new CommandException($"There is no channel at {path}; --create makes one");
        return ChannelGround.Of(Channel.OpenArea(path));
    }

    private string FileOf(ParseResult parsed) => parsed.GetValue(Path) ?? throw new CommandException("Neither a file with channels nor --socket, --device or --fabric is given", ExitCode.WrongUse);

    private ChannelGround OnFabric(ParseResult parsed, bool creates)
    {
        (string? socket, string? device) = (parsed.GetValue(_socket), parsed.GetValue(_device));
        if (socket is not null && device is not null) throw new CommandException("Both --socket and --device are given; choose one", ExitCode.WrongUse);
        if (IsFabric(parsed) && (socket ?? device) is not null) throw new CommandException("A fabric is named, and --socket or --device too; choose one", ExitCode.WrongUse);
        ChannelAreaOptions options = new() { Creates = creates, NeedsSealed = false };
        if (IsFabric(parsed))
        {
            socket = MailboxChoice.SocketOf(_fabric.PathsOf(parsed), parsed.GetValue(_mailbox), out MailboxDeclaration mailbox);
            if (mailbox.ChannelBytes == 0) throw new CommandException($"Mailbox {mailbox.Name} has no memory for channels; give it some in fabric.yaml, as 'channels: 1M'");
            options = options with { OffsetBytes = MailboxDeclaration.ChannelsAt(MailboxGeometry.Create(mailbox.SlotBytes, mailbox.Clients).UsedBytes) };
        }
        else options = options with { OffsetBytes = OffsetOf(parsed.GetRequiredValue(_at)) };
        return ChannelGround.On(socket is not null ? IvshmemClient.Connect(new() { SocketPath = System.IO.Path.GetFullPath(socket) }) : GuestParticipant.Open(new() { Device = device == AnyDevice ? null : device }), options);
    }

    private static long OffsetOf(string text)
    {
        long offset = 0;
        return text == "0" || ByteSize.TryParse(text, out offset) ? offset : throw new CommandException($"--at is '{Printable.Text(text)}'; give an offset such as 64K", ExitCode.WrongUse);
    }

    private ChannelSpec SpecOf(ParseResult parsed)
    {
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
        return spec.Problems().Any() ? throw new CommandException($"--capacity is '{text}'; it must be a power of two from 256 to 1G", ExitCode.WrongUse) : spec;
    }

    /// <summary>The channel that is meant.</summary>
    /// <exception cref="CommandException">There is none of that name, or none was named and there are several.</exception>
    public ChannelInfo Choose(ParseResult parsed, ChannelArea area)
    {
        IReadOnlyList<ChannelInfo> all = area.List();
        string path = parsed.GetValue(_socket) ?? parsed.GetValue(_device) ?? (IsFabric(parsed) ? "the fabric" : FileOf(parsed));
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
