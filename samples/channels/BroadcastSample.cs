// SPDX-License-Identifier: MIT
using Tombolo.Channels;

namespace Tombolo.Samples.Channels;

internal static class BroadcastSample
{
    public static async Task PublishAsync(string path)
    {
        using ChannelArea area = Open(path);
        using Publisher prices = area.OpenPublisher("prices");
        while (prices.Subscribers < 2) await Task.Delay(10);   // who subscribes later does not get what was published before
        for (int price = 1; price <= 100; price++) await prices.WriteAsync(BitConverter.GetBytes(price));
    }

    public static async Task SubscribeAsync(string path)
    {
        using ChannelArea area = Open(path);
        using Subscriber prices = area.OpenSubscriber("prices", SubscriberPolicy.Block);
        int last = 0;
        await foreach (byte[] price in prices.ReadAllAsync()) last = BitConverter.ToInt32(price);
        Console.WriteLine($"The last of {prices.Messages} prices was {last}; {prices.Lost} were lost.");
    }

    private static ChannelArea Open(string path)
    {
        ChannelArea area = Channel.OpenArea(path, sizeBytes: 1 << 20);
        area.Create("prices", new() { Kind = ChannelKind.Broadcast, Spokes = 8, CapacityBytes = 1 << 16 });
        return area;
    }
}
