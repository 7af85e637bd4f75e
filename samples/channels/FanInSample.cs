// SPDX-License-Identifier: MIT
using System.Text;
using Tombolo.Channels;

namespace Tombolo.Samples.Channels;

internal static class FanInSample
{
    public static void Log(string path)
    {
        using ChannelArea area = Open(path);
        using RingProducer log = area.OpenProducer("log");
        log.Write(Encoding.UTF8.GetBytes($"Process {Environment.ProcessId} was here."));
    }

    public static void Collect(string path)
    {
        using ChannelArea area = Open(path);
        using FanInConsumer log = area.OpenFanIn("log");
        foreach (byte[] line in log.ReadAll().Take(3)) Console.WriteLine($"Lane {log.Lane}: {Encoding.UTF8.GetString(line)}");
    }

    private static ChannelArea Open(string path)
    {
        ChannelArea area = Channel.OpenArea(path, sizeBytes: 1 << 20);
        area.Create("log", new() { Kind = ChannelKind.FanIn, Spokes = 8, CapacityBytes = 1 << 16 });
        return area;
    }
}
