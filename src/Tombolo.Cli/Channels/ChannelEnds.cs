// SPDX-License-Identifier: MIT
using System.Text;
using Tombolo.Channels;
using Tombolo.Cli.Output;

namespace Tombolo.Cli.Channels;

/// <summary>The ends of a channel as a command holds them.</summary>
internal static class ChannelEnds
{
    /// <summary>Takes an end that sends.</summary>
    public static MessageWriter OpenWriter(ChannelArea area, ChannelInfo channel) => channel.Spec.Kind switch
    {
        ChannelKind.Ring or ChannelKind.FanIn => area.OpenProducer(channel.Name),
        ChannelKind.Broadcast => area.OpenPublisher(channel.Name),
        ChannelKind kind => throw new CommandException($"Channel '{channel.Name}' is a {kind}; messages are published to a ring, a fan-in or a broadcast"),
    };

    /// <summary>Takes the end that receives.</summary>
    public static MessageReader OpenReader(ChannelArea area, ChannelInfo channel, EndOptions options) => channel.Spec.Kind switch
    {
        ChannelKind.Ring => area.OpenConsumer(channel.Name, options),
        ChannelKind.FanIn => area.OpenFanIn(channel.Name, options),
        ChannelKind.Broadcast => area.OpenSubscriber(channel.Name, SubscriberPolicy.DropOldest, options: options),   // somebody who looks on a terminal holds nobody up
        ChannelKind kind => throw new CommandException($"Channel '{channel.Name}' is a {kind}; one subscribes to a ring, a fan-in or a broadcast"),
    };

    /// <summary>Sends a text, and waits for room.</summary>
    public static async Task SendAsync(MessageWriter to, string text, CancellationToken stop)
    {
        int length = Encoding.UTF8.GetByteCount(text);
        if (length > to.MaxMessage) throw new CommandException($"A message of {length} bytes does not fit; channel '{to.Name}' takes {to.MaxMessage}");
        await to.WriteAsync(Encoding.UTF8.GetBytes(text), stop);
    }

    /// <summary>Takes messages and shows them, until there were as many as wanted (0: no limit), the sender closed its end, none came for as long as patience lasts, or it was stopped.</summary>
    /// <returns>How many came.</returns>
    public static async Task<int> ReceiveAsync(MessageReader from, MessagePrinter printer, int wanted, TimeSpan patience, CancellationToken stop)
    {
        int came = 0;
        while (!stop.IsCancellationRequested && (wanted == 0 || came < wanted))
        {
            if (TakeOne(from, printer))
            {
                came++;
                continue;
            }
            ChannelWait wait;
            try { wait = await from.WaitForMessageAsync(patience, stop); }
            catch (OperationCanceledException) when (stop.IsCancellationRequested) { break; }
            if (wait == ChannelWait.PeerDied) throw new CommandException($"The party that sent on channel '{from.Name}' died; everything it sent was printed");
            if (wait != ChannelWait.Ready) break;   // its end was closed, or it took too long
        }
        return came;
    }

    private static bool TakeOne(MessageReader from, MessagePrinter printer)
    {
        if (!from.TryBorrow(out ReadOnlySpan<byte> message)) return false;
        printer.Show(message, message.Length);
        from.Release();   // only what was printed counts as taken
        return true;
    }
}
