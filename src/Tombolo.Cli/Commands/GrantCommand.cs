// SPDX-License-Identifier: MIT
using System.CommandLine;
using System.Text;
using System.Text.Unicode;
using Tombolo.Cli.Fabrics;
using Tombolo.Cli.Output;
using Tombolo.Grants;
using Tombolo.Store;

namespace Tombolo.Cli.Commands;

/// <summary><c>tombolo grant</c>: pages shared between domains.</summary>
internal static class GrantCommand
{
    public static Command Create(CommandContext context) =>
        new ExampleCommand("grant", "Shares pages between domains: offers messages, accepts them, lists grants and ports.", "tombolo grant offer --domain 1 hello", "tombolo grant accept --domain 2", "tombolo grant ls")
        {
            Offer(context),
            Accept(context),
            List(context),
            Keys(context),
            GrantServeCommand.Create(context),
        };

    private static ExampleCommand Offer(CommandContext context)
    {
        GrantChoice choice = new();
        Argument<string[]> messages = new("message") { Description = "What to send, one message after the other, each at most 4096 bytes. Without any: each line of the standard input.", Arity = ArgumentArity.ZeroOrMore };
        Option<bool> json = CommonOptions.Json();
        ExampleCommand command = new("offer", "Offers messages to whoever accepts, through a granted page, and ends when the last one was taken.", "tombolo grant offer --domain 1 hello", "date | tombolo grant offer --window pages --json") { messages, json };
        command.SetAction(async (parsed, stop) =>
        {
            string[] given = parsed.GetRequiredValue(messages);
            foreach (string message in given) Check(message);
            await using StoreClient store = await choice.StoreAsync(parsed, context, stop);
            using IDomain domain = await choice.StandAsync(parsed, store);
            await using GrantOffer offer = await GrantOffer.StartAsync(store, domain, choice.KeysOf(parsed));
            try
            {
                await foreach (string message in given.Length > 0 ? given.ToAsyncEnumerable() : context.Screen.LinesAsync(stop).Where(static line => line.Length > 0))
                {
                    byte[] bytes = Check(message);
                    await offer.SendAsync(bytes, stop);
                    if (parsed.GetValue(json)) context.Screen.Json(new GrantMessageTaken(offer.Client!.Value.Value, bytes.Length, message, null), CliJson.Default.GrantMessageTaken);
                    else context.Screen.Line($"Domain {offer.Client} took {bytes.Length} bytes.");
                }
                return ExitCode.Done;
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested) { return ExitCode.Done; }
        });
        return choice.OnOffer(command);
    }

    private static ExampleCommand Accept(CommandContext context)
    {
        GrantChoice choice = new();
        Option<int> count = new("-n", "--count") { Description = "End after so many messages; 0 means until the offer ends.", HelpName = "n" };
        Option<bool> json = CommonOptions.Json();
        ExampleCommand command = new("accept", "Accepts what is offered, and prints each message. It may come before the offer.", "tombolo grant accept --domain 2", "tombolo grant accept --domain 2 -n 1 --json") { count, json };
        command.SetAction(async (parsed, stop) =>
        {
            int most = parsed.GetValue(count);
            if (most < 0) throw new CommandException($"--count is {most}; it must be 0 or more", ExitCode.WrongUse);
            await using StoreClient store = await choice.StoreAsync(parsed, context, stop);
            using IDomain domain = await choice.StandAsync(parsed, store);
            await using GrantAccept accept = await GrantAccept.StartAsync(store, domain, choice.KeysOf(parsed));
            try
            {
                await foreach (byte[] message in accept.ReceiveAllAsync(most == 0 ? long.MaxValue : most, stop))
                {
                    bool isText = Utf8.IsValid(message);
                    if (parsed.GetValue(json)) context.Screen.Json(new GrantMessageTaken(accept.Server!.Value.Value, message.Length, isText ? Encoding.UTF8.GetString(message) : null, isText ? null : Convert.ToBase64String(message)), CliJson.Default.GrantMessageTaken);
                    else context.Screen.Line(Printable.Text(Encoding.UTF8.GetString(message)));
                }
                return ExitCode.Done;
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested) { return ExitCode.Done; }
        });
        return choice.OnOffer(command);
    }

    private static ExampleCommand List(CommandContext context)
    {
        GrantChoice choice = new();
        Option<bool> json = CommonOptions.Json();
        ExampleCommand command = new("ls", "Lists grants and ports: all of them for domain 0, for another one those that concern it.", "tombolo grant ls", "tombolo grant ls --domain 1 --json") { json };
        command.SetAction(parsed =>
        {
            (IReadOnlyList<GrantInfo> grants, IReadOnlyList<PortInfo> ports) = GrantClient.List(choice.ClientOf(parsed));
            if (parsed.GetValue(json))
            {
                context.Screen.Json(new GrantList(
                    [.. grants.Select(grant => new GrantRow(grant.From.Value, grant.First.Value, grant.Pages, grant.To.Value, grant.IsReadOnly, grant.Mappings, grant.IsRevoked, grant.Who))],
                    [.. ports.Select(port => new PortRow(port.Domain.Value, port.Port.Value, port.Remote.Value, port.RemotePort?.Value, port.Who))]), CliJson.Default.GrantList);
                return ExitCode.Done;
            }
            if (grants.Count + ports.Count == 0)
            {
                context.Screen.Line("There are no grants and no ports.");
                return ExitCode.Done;
            }
            TextTable table = new("grant", "of", "to", "pages", "may", "mapped", "by");
            foreach (GrantInfo grant in grants)
                _ = table.Row(grant.First.ToString(), grant.From.ToString(), grant.To.ToString(), $"{grant.Pages}", grant.IsReadOnly ? "read" : "write", $"{grant.Mappings}{(grant.IsRevoked ? ", revoked" : "")}", Printable.Text(grant.Who));
            context.Screen.Table(table);
            TextTable second = new("port", "of", "to", "its port", "by");
            foreach (PortInfo port in ports) _ = second.Row(port.Port.ToString(), port.Domain.ToString(), port.Remote.ToString(), port.RemotePort?.ToString() ?? "-", Printable.Text(port.Who));
            context.Screen.Line();
            context.Screen.Table(second);
            return ExitCode.Done;
        });
        return choice.OnGrants(command);
    }

    private static ExampleCommand Keys(CommandContext context)
    {
        GrantChoice choice = new();
        ExampleCommand command = new("keys", "Makes the keys of an offer in the store, where they are missing: each 0, open to everybody.", "tombolo grant keys", "tombolo grant keys --keys /offers/one");
        command.SetAction(async (parsed, stop) =>
        {
            await using StoreClient store = await choice.StoreAsync(parsed, context, stop);
            await choice.KeysOf(parsed).MakeAsync(store);
            return ExitCode.Done;
        });
        return choice.OnKeys(command);
    }

    private static byte[] Check(string message)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(message);
        return bytes.Length is > 0 and <= GrantOffer.MaxMessage ? bytes : throw new CommandException($"A message has {bytes.Length} bytes; it must have 1 to {GrantOffer.MaxMessage}", ExitCode.WrongUse);
    }
}
