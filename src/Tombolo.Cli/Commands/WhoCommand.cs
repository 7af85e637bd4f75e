// SPDX-License-Identifier: MIT
using System.CommandLine;
using System.Globalization;
using Tombolo.Cli.Client;
using Tombolo.Cli.Output;

namespace Tombolo.Cli.Commands;

/// <summary><c>tombolo who</c>: who takes part.</summary>
internal static class WhoCommand
{
    public static Command Create(CommandContext context)
    {
        MailboxChoice choice = new();
        Option<bool> json = CommonOptions.Json();
        ExampleCommand command = new("who", "Shows who takes part in a mailbox; this command itself is left out.", "tombolo who", "tombolo who --json | jq -r '.[].name'") { json };
        foreach (Option option in choice.All) command.Add(option);
        command.SetAction(async (parsed, _) =>
        {
            await using MailboxSession session = choice.Join(parsed, context);
            List<Participant> others = [.. session.Participants().Where(one => !one.IsSelf)];
            if (parsed.GetValue(json)) context.Screen.Json(others, CliJson.Default.Participants);
            else context.Screen.Table(TableOf(others));
            return ExitCode.Done;
        });
        return command;
    }

    private static TextTable TableOf(IEnumerable<Participant> participants)
    {
        TextTable table = new("id", "name", "sid:cid", "is");
        foreach (Participant one in participants)
            _ = table.Row(one.Id.ToString(CultureInfo.InvariantCulture), one.Name.Length > 0 ? Printable.Text(one.Name) : "-", one.Cid is { } cid ? string.Create(CultureInfo.InvariantCulture, $"{one.Sid}:{cid}") : "-", one.IsServer ? "server" : "client");
        return table;
    }
}
