// SPDX-License-Identifier: MIT
using Tombolo.Channels;

namespace Tombolo.Samples.Channels;

internal static class StreamSample
{
    public static async Task ListenAsync(string path)
    {
        using ChannelArea area = Open(path);
        await using ChannelStream stream = area.OpenListener("text");
        using var reader = new StreamReader(stream);
        while (await reader.ReadLineAsync() is { } line) Console.WriteLine($"{line.Length} characters: {line}");
    }

    public static async Task CallAsync(string path)
    {
        using ChannelArea area = Open(path);
        await using ChannelStream stream = area.OpenCaller("text");
        await using var writer = new StreamWriter(stream);
        for (int i = 1; i <= 3; i++) await writer.WriteLineAsync($"line {i}");
    }

    private static ChannelArea Open(string path)
    {
        ChannelArea area = Channel.OpenArea(path, sizeBytes: 1 << 20);
        area.Create("text", new() { Kind = ChannelKind.Stream, CapacityBytes = 1 << 16 });
        return area;
    }
}
