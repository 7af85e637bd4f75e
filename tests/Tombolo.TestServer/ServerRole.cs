// SPDX-License-Identifier: MIT
using System.Globalization;
using Tombolo.Ivshmem;
using Tombolo.Linux;

namespace Tombolo.TestServer;

/// <summary>A server that can be killed at a chosen step.</summary>
/// <remarks>Arguments: key=value …; it says "ready" when clients can connect, answers "peers", "kept" and "steps", and stops in order when its standard input ends.</remarks>
internal static class ServerRole
{
    public static async Task<int> RunAsync(string[] args)
    {
        Dictionary<string, string> given = args.Select(word => word.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1]);
        string Read(string key, string otherwise) => given.GetValueOrDefault(key, otherwise);
        int Number(string key, int otherwise) => int.Parse(Read(key, otherwise.ToString(CultureInfo.InvariantCulture)), CultureInfo.InvariantCulture);
        var options = new DoorbellServerOptions
        {
            SocketPath = given["socket"],
            SizeBytes = Number("size", 1 << 20),
            Vectors = Number("vectors", 2),
            Ids = Enum.Parse<IdPolicy>(Read("ids", "Growing")),
            FirstId = Number("first", 0),
            MaxPeers = Number("peers", 8),
            ResidentId = given.ContainsKey("resident") ? Number("resident", 0) : null,
            Backing = Enum.Parse<MemoryBacking>(Read("backing", "Memfd")),
            MemoryName = Read("memory", "tombolo-test"),
            KeeperCommand = Read("keeper", "yes") == "yes" ? [Path.Combine(AppContext.BaseDirectory, "tombolo-keeper")] : [],
        };
        // The step's number is the only clock of a crash test: the same number is the same place in the code for the same history.
        int killAt = Number("kill-at", 0);
        long steps = 0;
        void Step()
        {
            if (++steps == killAt) _ = LinuxProcess.TrySignal(Environment.ProcessId, Signal.Kill);
        }
        try
        {
            await using DoorbellServer server = DoorbellServer.Start(options, null, null, Step);
            Console.WriteLine(server.TookOver ? "ready again" : "ready");
            while (await Console.In.ReadLineAsync() is { } line)
                Console.WriteLine(line switch
                {
                    "peers" => string.Join(' ', (await server.SnapshotAsync()).Peers.Select(peer => peer.Id)),
                    "kept" => (await server.SnapshotAsync()).IsKept,
                    _ => Interlocked.Read(ref steps),
                });
            return 0;
        }
        catch (TomboloException exception)
        {
            Console.WriteLine(exception.Message);
            return 1;
        }
    }
}
