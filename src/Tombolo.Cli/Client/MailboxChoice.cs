// SPDX-License-Identifier: MIT
using System.CommandLine;
using Tombolo.Cli.Output;

namespace Tombolo.Cli.Client;

/// <summary>The options that say which mailbox is meant, and as whom it is joined.</summary>
internal sealed class MailboxChoice
{
    private readonly Option<string?> _socket = CommonOptions.Socket();
    private readonly Option<string?> _name = new("--name") { Description = "The node name that others see: 1 to 31 printable ASCII characters without spaces.", HelpName = "name" };

    /// <summary>All of them.</summary>
    public IEnumerable<Option> All => [_socket, _name];

    /// <summary>Joins the chosen mailbox.</summary>
    public MailboxSession Join(ParseResult parsed, CommandContext context) => MailboxSession.Join(SocketOf(parsed), parsed.GetValue(_name), context.Time);

    /// <summary>The chosen mailbox's socket.</summary>
    public string SocketOf(ParseResult parsed) =>
        parsed.GetValue(_socket) is { } path ? Path.GetFullPath(path) : throw new CommandException("Which mailbox? Give --socket", ExitCode.WrongUse);
}
