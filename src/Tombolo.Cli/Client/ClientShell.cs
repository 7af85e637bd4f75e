// SPDX-License-Identifier: MIT
using System.Globalization;
using Tombolo.Cli.Output;
using Tombolo.Linux;

namespace Tombolo.Cli.Client;

/// <summary>The commands of an interactive participant: what a line means, what it prints, how it is completed.</summary>
/// <param name="session">The client's standing in the mailbox.</param>
/// <param name="print">Prints one line; called from any thread.</param>
internal sealed class ClientShell(IMailboxSession session, Action<string> print)
{
    private static readonly TimeSpan _pingTimeout = TimeSpan.FromSeconds(5);

    /// <summary>How long a client's clock ticks between two keep-alives, as it tells the manager. Source: FAME-Z, "Link RFC TTC=27us".</summary>
    public const string RequestForConfiguration = "Link RFC TTC=27us";

    // Word, what follows it, what it does.
    private static readonly (string Name, string Arguments, string Meaning)[] _commands =
    [
        ("dump", "", "Show everybody with SID:CID and attributes."),
        ("help", "", "Show this."),
        ("int", "<dest> <src> [text]", "Ring a doorbell as if <src> had; for tests."),
        ("link", "<words>", "Send the server a Link message, for instance: link CTL Peer-Attribute."),
        ("list", "", "The same as who."),
        ("ping", "<dest>", "Ask for an answer, and say how long it took."),
        ("quit", "", "Leave."),
        ("rfc", "", "Ask the manager for a SID and a CID."),
        ("send", "<dest> <text>", "Send a message."),
        ("who", "", "Show who is there."),
    ];

    /// <summary>Runs one line.</summary>
    /// <returns>False where it was the last one.</returns>
    public async Task<bool> ExecuteAsync(string line, CancellationToken stop)
    {
        string[] words = line.Trim().Split(' ', 2, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (words.Length == 0) return true;
        string rest = words.Length > 1 ? words[1] : "";
        try
        {
            switch (words[0])
            {
                case "help" or "?": Help(); break;
                case "who" or "list": Who(); break;
                case "dump": Dump(); break;
                case "send": await SendAsync(rest, stop); break;
                case "ping": await PingAsync(rest, stop); break;
                case "int": Interrupt(rest); break;
                case "link": await ToServerAsync(rest.Length > 0 ? $"Link {rest}" : throw Usage("link"), stop); break;
                case "rfc": await ToServerAsync(RequestForConfiguration, stop); break;
                case "quit" or "exit": return false;
                default: print($"'{Printable.Text(words[0])}' is not a command; help shows them."); break;
            }
        }
        catch (TomboloException exception)
        {
            print(exception.Message.EndsWith('.') ? exception.Message : exception.Message + ".");
        }
        return true;
    }

    /// <summary>The words that may stand in the place of the last one.</summary>
    /// <param name="before">The line up to the cursor.</param>
    public IReadOnlyList<string> Complete(string before)
    {
        string[] words = before.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        int place = words.Length - (before.EndsWith(' ') || words.Length == 0 ? 0 : 1);
        if (place == 0) return [.. _commands.Select(command => command.Name)];
        bool wantsPeer = (place == 1 && words[0] is "send" or "ping" or "int") || (place == 2 && words[0] == "int");
        if (!wantsPeer) return [];
        // A name with a space, or with something to escape, cannot be typed as one word: its ID can.
        IEnumerable<string> names = session.Participants().Select(one => one.Name.Length > 0 && !one.Name.Contains(' ') && Printable.Text(one.Name) == one.Name ? one.Name : Number(one.Id));
        return [.. names, .. Destination.Words];
    }

    /// <summary>A message that came in, as a line.</summary>
    public static string Describe(Received message) => $"{Destination.Label(message.Sender, message.SenderName)}: {Printable.Text(message.Text)}";

    private void Help()
    {
        int width = _commands.Max(command => command.Name.Length + command.Arguments.Length) + 3;
        foreach ((string name, string arguments, string meaning) in _commands) print($"{$"{name} {arguments}".PadRight(width)}{meaning}");
        print("<dest> is an ID, a node name, server, all (with oneself) or other (without).");
    }

    private void Who()
    {
        foreach (Participant one in session.Participants())
            print($"{Number(one.Id),5}  {Printable.Text(one.Name)}{(one.IsSelf ? "  (this client)" : one.IsServer ? "  (server)" : "")}");
    }

    private void Dump()
    {
        foreach (Participant one in session.Participants())
        {
            string ids = one.Cid is { } cid ? $"{Number(one.Sid ?? 0)}:{Number(cid)}" : "-";
            print($"{Number(one.Id),5}  {Printable.Text(one.Name),-16}  {ids,-10}  {(one.Attributes is null ? "-" : Printable.Text(one.Attributes))}{(one.IsSelf ? "  (this client)" : one.IsServer ? "  (server)" : "")}");
        }
    }

    private async Task SendAsync(string rest, CancellationToken stop)
    {
        string[] parts = rest.Split(' ', 2);
        if (parts.Length < 2 || parts[1].Length == 0) throw Usage("send");
        foreach (int one in Destination.Resolve(parts[0], session)) await session.SendAsync(one, parts[1], stop);
    }

    private async Task PingAsync(string rest, CancellationToken stop)
    {
        if (rest.Length == 0) throw Usage("ping");
        foreach (int one in Destination.Resolve(rest, session))
        {
            TimeSpan? time = await session.PingAsync(one, _pingTimeout, stop);
            print(time is { } taken ? $"{Number(one)} answered in {taken.TotalMilliseconds.ToString("0.000", CultureInfo.InvariantCulture)} ms." : $"{Number(one)} gave no answer in {_pingTimeout.TotalSeconds} s.");
        }
    }

    private void Interrupt(string rest)
    {
        string[] parts = rest.Split(' ', 3, StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length < 2) throw Usage("int");
        IReadOnlyList<int> sources = Destination.Resolve(parts[1], session);
        if (sources.Count != 1) throw new CommandException("Only one can be the source of an interrupt");
        foreach (int one in Destination.Resolve(parts[0], session))
            if (!session.Interrupt(one, sources[0], parts.Length > 2 ? parts[2] : null)) print($"{Number(one)} has no doorbell for {Number(sources[0])}.");
    }

    private async Task ToServerAsync(string text, CancellationToken stop)
    {
        int server = Destination.Resolve("server", session)[0];
        session.ShowsFabric = true;   // whoever speaks to the fabric wants to see its answer
        await session.SendAsync(server, text, stop);
    }

    private static CommandException Usage(string name)
    {
        (_, string arguments, _) = _commands.First(command => command.Name == name);
        return new($"Give: {name} {arguments}", ExitCode.WrongUse);
    }

    private static string Number(ulong number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
