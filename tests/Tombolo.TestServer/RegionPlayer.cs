// SPDX-License-Identifier: MIT
using Tombolo.Regions;

namespace Tombolo.TestServer;

/// <summary>The host's side of the ping-pong that <c>region_check lanes</c> plays in a guest: a signal that is lost, in either direction, ends a lane for ever.</summary>
/// <remarks>Lane <i>i</i> has two words, 8·<i>i</i> into the data: the host counts in the first and signals it; the guest answers the same number in the second and signals that.</remarks>
public static class RegionPlayer
{
    /// <summary>How long a lane may wait for its answer before it counts as lost.</summary>
    public static TimeSpan Patience { get; } = TimeSpan.FromSeconds(90);

    /// <summary>Plays some lanes at once, a thread each, and says "playing", then "done" or what went wrong.</summary>
    /// <returns>The process's exit code.</returns>
    public static int Run(string socket, string region, uint first, int lanes, int rounds)
    {
        using RegionClient client = RegionClient.Open(region, new() { Socket = socket, Timeout = TimeSpan.FromSeconds(60), RoomTimeout = Patience });
        int lost = 0;
        Thread[] threads = [.. Enumerable.Range(0, lanes).Select(index => new Thread(() =>
        {
            if (!Play(client, first + (uint)index, rounds)) _ = Interlocked.Increment(ref lost);
        }))];
        Console.WriteLine("playing");
        foreach (Thread thread in threads) thread.Start();
        foreach (Thread thread in threads) thread.Join();
        Console.WriteLine(lost == 0 ? "done" : $"{lost} of {lanes} lanes lost a signal");
        return lost;
    }

    /// <summary>Plays one lane.</summary>
    /// <param name="client">The region.</param>
    /// <param name="lane">Which lane.</param>
    /// <param name="rounds">How many rounds; 0: for ever.</param>
    /// <returns>False where an answer did not come.</returns>
    public static bool Play(RegionClient client, uint lane, int rounds)
    {
        uint ping = client.DataOffset + (8 * lane), pong = ping + 4;
        uint number = client.View(ping, 4).ReadAcquire32(0), answered = client.View(pong, 4).ReadAcquire32(0);
        for (int round = 0; rounds == 0 || round < rounds; round++)
        {
            // Whoever played before us may have been killed between the change and the signal: the same number is signalled again.
            if (number == answered) client.View(ping, 4).WriteRelease32(0, ++number);
            client.Signal(ping, SignalSides.Guest);
            if (!client.Wait(pong, answered, Patience)) return false;
            answered = client.View(pong, 4).ReadAcquire32(0);
            if (answered != number) return false;
        }
        return true;
    }
}
