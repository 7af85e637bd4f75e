// SPDX-License-Identifier: MIT
using System.Text;
using Tombolo.Channels;

namespace Tombolo.Samples.Channels;

internal static class RequestSample
{
    public static void Serve(string path)
    {
        using ChannelArea area = Open(path);
        using RequestServer server = area.OpenServer("upper");
        using var stop = new CancellationTokenSource();
        server.Serve((request, reply) =>
        {
            if (request.IsEmpty) stop.Cancel();
            return Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(request).ToUpperInvariant(), reply);
        }, stop.Token);
    }

    public static async Task AskAsync(string path)
    {
        using ChannelArea area = Open(path);
        using RequestClient client = area.OpenClient("upper");
        byte[] answer = await client.CallAsync("hello"u8.ToArray(), TimeSpan.FromSeconds(60));
        Console.WriteLine(Encoding.UTF8.GetString(answer));
        _ = await client.CallAsync(Array.Empty<byte>(), TimeSpan.FromSeconds(60));   // ends the server
    }

    private static ChannelArea Open(string path)
    {
        ChannelArea area = Channel.OpenArea(path, sizeBytes: 1 << 20);
        area.Create("upper", new() { Kind = ChannelKind.Request, Spokes = 4, CapacityBytes = 1 << 14 });
        return area;
    }
}
