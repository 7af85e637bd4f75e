// SPDX-License-Identifier: MIT
using Tombolo.Channels;

namespace Tombolo.Samples.Channels;

internal static class RingSample
{
    public static void Send(string path)
    {
        using RingProducer ticks = Channel.Create(path);
        for (int i = 1; i <= 1000; i++)
            if (!ticks.TryWrite(i)) ticks.Write(BitConverter.GetBytes(i));   // full: wait for room
    }

    public static void Receive(string path)
    {
        using RingConsumer ticks = Channel.CreateConsumer(path);
        long sum = ticks.ReadAll().Sum(static tick => BitConverter.ToInt32(tick));
        Console.WriteLine($"The sum of all ticks is {sum}.");
    }
}
