// SPDX-License-Identifier: MIT
using System.Globalization;
using Tombolo.Cli.Output;

namespace Tombolo.Cli.Client;

/// <summary>Who is meant by a destination that a user wrote: an ID, a node name, <c>server</c>, <c>all</c> (with oneself) or <c>other</c> (without).</summary>
internal static class Destination
{
    /// <summary>The words that are no names.</summary>
    public static readonly IReadOnlyList<string> Words = ["all", "other", "server"];

    /// <summary>Finds them.</summary>
    /// <exception cref="CommandException">There is nobody of that ID or name; the message names who is there.</exception>
    public static IReadOnlyList<int> Resolve(string destination, IMailboxSession session)
    {
        IReadOnlyList<Participant> all = session.Participants();
        switch (destination)
        {
            case "all": return [.. all.Select(one => one.Id)];
            case "other": return [.. all.Where(one => !one.IsSelf).Select(one => one.Id)];
            case "server": return session.ServerId is { } server ? [server] : throw new CommandException("The server of this mailbox is silent: it serves, but takes no part");
        }
        // An ID is taken as it is: a peer whose name slot is empty can still be written to.
        if (ushort.TryParse(destination, NumberStyles.None, CultureInfo.InvariantCulture, out ushort id)) return [id];
        int[] named = [.. all.Where(one => one.Name == destination).Select(one => one.Id)];
        if (named.Length == 1) return named;
        if (named.Length > 1) throw new CommandException($"'{Printable.Text(destination)}' is the name of several: {string.Join(", ", named)}; give the ID");
        string there = string.Join(", ", all.Where(one => !one.IsSelf).Select(Label));
        throw new CommandException($"There is no '{Printable.Text(destination)}' here; there {(there.Length == 0 ? "is nobody else" : $"is {there}")}");
    }

    /// <summary>A participant in one word: its name with the ID, or the ID alone.</summary>
    public static string Label(Participant one) => Label(one.Id, one.Name);

    /// <summary>As above.</summary>
    public static string Label(int id, string name) =>
        name.Length == 0 ? id.ToString(CultureInfo.InvariantCulture) : string.Create(CultureInfo.InvariantCulture, $"{Printable.Text(name)} ({id})");
}
