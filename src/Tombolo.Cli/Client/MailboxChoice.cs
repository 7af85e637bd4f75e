// SPDX-License-Identifier: MIT
using System.CommandLine;
using Tombolo.Cli.Fabrics;
using Tombolo.Cli.Output;
using Tombolo.Fabric;

namespace Tombolo.Cli.Client;

/// <summary>The options that say which mailbox is meant, and as whom it is joined.</summary>
internal sealed class MailboxChoice
{
    private readonly Option<string?> _socket = CommonOptions.Socket();
    private readonly FabricChoice _fabric = new();
    private readonly Option<string?> _mailbox = CommonOptions.Mailbox();
    private readonly Option<string?> _name = new("--name") { Description = "The node name that others see: 1 to 31 printable ASCII characters without spaces.", HelpName = "name" };

    /// <summary>All of them.</summary>
    public IEnumerable<Option> All => [_socket, _fabric.Option, _mailbox, _name];

    /// <summary>Joins the chosen mailbox.</summary>
    public MailboxSession Join(ParseResult parsed, CommandContext context) => MailboxSession.Join(SocketOf(parsed), parsed.GetValue(_name), context.Time);

    /// <summary>The chosen mailbox's socket.</summary>
    /// <exception cref="CommandException">There is none to choose, or several.</exception>
    public string SocketOf(ParseResult parsed)
    {
        if (parsed.GetValue(_socket) is { } path) return Path.GetFullPath(path);
        return SocketOf(_fabric.PathsOf(parsed), parsed.GetValue(_mailbox), out _);
    }

    /// <summary>The socket of a fabric's mailbox.</summary>
    /// <exception cref="CommandException">There is none to choose, or several.</exception>
    internal static string SocketOf(FabricPaths paths, string? name, out MailboxDeclaration mailbox)
    {
        FabricDeclaration declaration = FabricState.RecordedDeclaration(paths) ?? throw new CommandException($"What fabric {paths.Name} declares cannot be read in {paths.Folder}");
        mailbox = Choose(name, declaration);
        string socket = paths.SocketOf(mailbox);
        return FabricState.OwnerOf(paths) != 0 ? socket : throw new CommandException($"The daemon of fabric {paths.Name} was killed, so nobody can join; 'tombolo up' takes over");
    }

    /// <summary>The rule among a fabric's mailboxes.</summary>
    internal static MailboxDeclaration Choose(string? name, FabricDeclaration declaration)
    {
        string names = string.Join(", ", declaration.Mailboxes.Select(one => one.Name));
        if (declaration.Mailboxes.Count == 0) throw new CommandException($"Fabric {declaration.Name} has no mailbox");
        if (name is null) return declaration.Mailboxes.Count == 1 ? declaration.Mailboxes[0] : throw new CommandException($"Which mailbox? Give --mailbox with one of: {names}", ExitCode.WrongUse);
        return declaration.Mailboxes.FirstOrDefault(one => one.Name == name) ?? throw new CommandException($"Fabric {declaration.Name} has no mailbox '{Printable.Text(name)}'; it has {names}");
    }
}
