// SPDX-License-Identifier: MIT
using Tombolo.Fabric;
using Tombolo.Linux;

namespace Tombolo.TestServer;

/// <summary>Runs a declared fabric as the daemon would: prints each event; takes it down when its standard input ends.</summary>
internal static class FabricRole
{
    public static async Task<int> RunAsync(string file, string root)
    {
        FabricReading reading = FabricFile.Load(file, root);
        foreach (Fault fault in reading.Faults) Console.WriteLine(fault);
        if (reading.Declaration is null) return 1;
        try
        {
            await using FabricHost host = FabricHost.Open(reading.Declaration, await File.ReadAllBytesAsync(file), file,
                new() { Root = root, KeeperCommand = [Path.Combine(AppContext.BaseDirectory, "tombolo-keeper")] });
            Task telling = TellAsync(host);
            _ = await host.StartAsync(CancellationToken.None);   // what is not as declared is among the events
            while (await Console.In.ReadLineAsync() is not null) { }
            await host.StopAsync();
            await telling;
            return 0;
        }
        catch (TomboloException exception)
        {
            Console.WriteLine(exception.Message);
            return 1;
        }
    }

    private static async Task TellAsync(FabricHost host)
    {
        await foreach (FabricEvent happened in host.Events.ReadAllAsync()) Console.WriteLine($"{happened.Kind} {happened.Sentence}");
    }
}
