// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Globalization;

namespace Tombolo.Samples.ZeroMq.Programs;

/// <summary>Scenario 1, request and reply: how long is half a round trip?</summary>
internal static class RoundTrips
{
    /// <summary>server: echoes so many messages of a size.</summary>
    public static void Serve(Arguments arguments)
    {
        (int size, int count) = (arguments.Number(1, 0), arguments.Number(2, 1));
        using ZmqSocket socket = new(SocketType.Rep);
        socket.Bind(arguments.Text(0));
        byte[] message = new byte[size];
        for (int i = 0; i < count; i++)
        {
            Check(socket.Receive(message), size);
            socket.Send(message);
        }
    }

    /// <summary>client: sends, waits for the echo, and so on; then says what it took.</summary>
    public static void Measure(Arguments arguments)
    {
        (int size, int count) = (arguments.Number(1, 0), arguments.Number(2, 1));
        using ZmqSocket socket = new(SocketType.Req);
        socket.Connect(arguments.Text(0));
        byte[] message = new byte[size];
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < count; i++)
        {
            socket.Send(message);
            Check(socket.Receive(message), size);
        }
        double latency = Stopwatch.GetElapsedTime(start).TotalMicroseconds / (2.0 * count);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"message size: {size} [B]\nroundtrip count: {count}\naverage latency: {latency:0.000} [us]"));
    }

    private static void Check(int length, int size)
    {
        if (length != size) throw new InvalidDataException($"message of incorrect size received: {length} B instead of {size} B");
    }
}
