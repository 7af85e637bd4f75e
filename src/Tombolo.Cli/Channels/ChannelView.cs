// SPDX-License-Identifier: MIT
using System.Globalization;
using Tombolo.Channels;
using Tombolo.Cli.Output;

namespace Tombolo.Cli.Channels;

/// <summary>A channel as <c>ls</c> and <c>watch</c> show it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Kind">Its kind.</param>
/// <param name="CapacityBytes">Of each ring.</param>
/// <param name="Hub">Who holds the hub's end: reader, publisher or server.</param>
/// <param name="Spokes">Who holds the others; those that nobody ever took are left out.</param>
/// <param name="Sent">Messages sent.</param>
/// <param name="Taken">Messages taken.</param>
/// <param name="SentBytes">Bytes of the ring sent, framing included.</param>
/// <param name="WaitingBytes">Bytes that nobody took yet.</param>
internal sealed record ChannelRow(string Name, ChannelKind Kind, int CapacityBytes, ChannelEndRow Hub, IReadOnlyList<ChannelEndRow> Spokes, ulong Sent, ulong Taken, ulong SentBytes, ulong WaitingBytes)
{
    public static ChannelRow Of(ChannelInfo info) => new(
        info.Name, info.Spec.Kind, info.Spec.CapacityBytes, ChannelEndRow.Of(info.Ends[0]), [.. info.Ends.Skip(1).Where(end => end.Epoch > 0).Select(ChannelEndRow.Of)],
        Sum(info, ring => ring.Sent), Sum(info, ring => ring.Taken), Sum(info, ring => ring.Head), Sum(info, ring => ring.Head - ring.Tail));

    private static ulong Sum(ChannelInfo info, Func<ChannelRingInfo, ulong> figure) => info.Rings.Aggregate(0UL, (sum, ring) => sum + figure(ring));
}

/// <summary>An end of a channel as it is shown.</summary>
/// <param name="Owner">Who holds it.</param>
/// <param name="State">How it stands.</param>
/// <param name="IsAsleep">Whether its holder sleeps.</param>
internal sealed record ChannelEndRow(string Owner, PeerState State, bool IsAsleep)
{
    public static ChannelEndRow Of(ChannelEndInfo end) => new(end.Owner.ToString(), end.State, end.IsAsleep);

    public override string ToString() => State switch
    {
        PeerState.Open => IsAsleep ? $"{Owner} (asleep)" : Owner,
        PeerState.Dead => $"{Owner} (dead)",
        PeerState.Closed => "closed",
        _ => "-",
    };
}

/// <summary>Shows channels again and again, with rates between two looks.</summary>
internal sealed class ChannelView(Screen screen, TimeProvider time, bool json)
{
    private Dictionary<string, ChannelRow> _before = [];
    private long _lookedAt;

    /// <summary>Shows an area's channels as they are now.</summary>
    public void Show(ChannelArea area)
    {
        List<ChannelRow> rows = [.. area.List().Select(ChannelRow.Of)];
        double seconds = _lookedAt == 0 ? 0 : time.GetElapsedTime(_lookedAt).TotalSeconds;
        _lookedAt = time.GetTimestamp();
        if (json)
        {
            screen.Json(rows, CliJson.Default.ChannelRows);
            return;
        }
        TextTable table = new("name", "kind", "hub", "spokes", "messages/s", "bytes/s", "sent", "waiting");
        foreach (ChannelRow row in rows)
        {
            ChannelRow? old = _before.GetValueOrDefault(row.Name);
            string Rate(Func<ChannelRow, ulong> figure) => old is null || seconds <= 0 ? "-" : Number((ulong)((figure(row) - figure(old)) / seconds));
            _ = table.Row(row.Name, Kind(row), row.Hub.ToString(), Spokes(row), Rate(one => one.Sent), Rate(one => one.SentBytes), Number(row.Sent), Number(row.WaitingBytes));
        }
        if (screen.Colour) screen.Write("\x1b[H\x1b[J");   // ECMA-48: home, erase to the end
        screen.Table(table);
        _before = rows.ToDictionary(row => row.Name);
    }

    /// <summary>A table of channels.</summary>
    public static TextTable TableOf(IEnumerable<ChannelRow> rows)
    {
        TextTable table = new("name", "kind", "capacity", "hub", "spokes", "sent", "taken", "waiting");
        foreach (ChannelRow row in rows)
            _ = table.Row(row.Name, Kind(row), ByteSize.Format(row.CapacityBytes), row.Hub.ToString(), Spokes(row), Number(row.Sent), row.Kind == ChannelKind.Broadcast ? "-" : Number(row.Taken), Number(row.WaitingBytes));
        return table;
    }

    /// <summary>A table of a measurement.</summary>
    public static TextTable TableOf(ChannelFigures figures) => new TextTable("what", "figure")
        .Row("message", $"{figures.Bytes} bytes")
        .Row("one way, both sides polling", Text($"{figures.LatencyNanoseconds} ns (99 %: {figures.LatencyNanoseconds99} ns)"))
        .Row("one way, receiver asleep", Text($"{figures.WakeNanoseconds / 1000.0:0.0} µs (99 %: {figures.WakeNanoseconds99 / 1000.0:0.0} µs)"))
        .Row("throughput", Text($"{figures.MessagesPerSecond / 1e6:0.00} million messages/s, {figures.MessagesPerSecond * figures.Bytes / 1e9:0.00} GB/s"));

    private static string Kind(ChannelRow row) => row.Kind.ToString().ToLowerInvariant();

    private static string Spokes(ChannelRow row) => row.Spokes.Count switch
    {
        0 => "-",
        <= 2 => string.Join(", ", row.Spokes),
        _ => Text($"{row.Spokes.Count(end => end.State == PeerState.Open)} of {row.Spokes.Count} open"),
    };

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static string Number(ulong number) => number.ToString(CultureInfo.InvariantCulture);
}
