// SPDX-License-Identifier: MIT
using System.Globalization;

namespace Tombolo.Samples.ZeroMq.Programs;

/// <summary>Scenario 2, publish and subscribe: somebody measures the weather, somebody else wants to know.</summary>
internal static class Weather
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    /// <summary>pub: one update a second, "zipcode temperature humidity number".</summary>
    /// <remarks>
    /// A publisher sends to whoever is there, and a subscriber that comes a moment later has missed the first update. So this one waits for its first subscriber, a minute at most: an XPUB
    /// is a PUB that hears who subscribes, and no different on the wire.
    /// </remarks>
    public static void Publish(Arguments arguments)
    {
        (int size, int count) = (arguments.Number(1, 1), arguments.Number(2, 1));
        using ZmqSocket socket = new(SocketType.XPub);
        socket.Bind(arguments.Text(0));
        _ = socket.TryDiscard(_patience);
        Random random = new(1);   // the same weather every time
        for (int i = 0; i < count; i++)
        {
            string update = string.Create(CultureInfo.InvariantCulture, $"{10001:00000} {random.Next(-80, 135)} {random.Next(10, 60)} {i}");
            socket.Send(update.Length > size ? update[..size] : update);
            Console.WriteLine(update);
            Thread.Sleep(TimeSpan.FromSeconds(1));
        }
    }

    /// <summary>sub: prints so many updates, and the average temperature.</summary>
    public static void Listen(Arguments arguments)
    {
        int count = arguments.Number(1, 1);
        using ZmqSocket socket = new(SocketType.Sub);
        socket.Connect(arguments.Text(0));
        socket.SubscribeToAll();
        long total = 0;
        for (int i = 0; i < count; i++)
        {
            string update = socket.ReceiveText().TrimEnd('\0');   // programs in C send the end of their text too
            Console.WriteLine(update);
            string[] words = update.Split(' ');
            total += words.Length > 1 && int.TryParse(words[1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int temperature) ? temperature
                : throw new InvalidDataException($"'{update}' is no update");
        }
        Console.WriteLine($"Average temperature for zipcode was {total / count}F");
    }
}
