// SPDX-License-Identifier: MIT
namespace Tombolo.Bench;

/// <summary>Measures everything and writes it down.</summary>
internal static class Report
{
    public static async Task<int> RunAsync(BenchOptions options)
    {
        double load = Conditions.Load;
        var lines = new List<string>
        {
            "# Results",
            "Written by `make bench`. No test asserts any of these figures; they are what one machine did on one day.",
            "",
        };
        int conditions = lines.Count;
        lines.AddRange(["", "## Round trips between two host processes", "The limit is two eventfds and nothing else, in C. Subjects take turns within each round, so that they share the machine's moods."]);
        lines.AddRange(new RoundTripBench(options).Measure());
        lines.AddRange(["", "## Time to the full mesh", "All clients connect in one burst (one C program, bench/native/mesh.c, reads and counts every message and closes every descriptor at once)."]);
        lines.Add(options.Stock is null
            ? "The stock server, QEMU's `contrib/ivshmem-server`, could not be built for comparison: Debian has no package of it, and its source could not be had."
            : $"The stock server is QEMU's `contrib/ivshmem-server`, built from Debian's source package ({StockVersion(options.Stock)}); it sends without looking whether the client can take it, and waits with `select`, which ends at 1024 descriptors.");
        lines.Add("");
        lines.AddRange(new MeshBench(options).Measure());
        lines.AddRange(["", "## A server with 500 idle peers", ""]);
        lines.AddRange(new IdleBench(options).Measure());
        if (options.Kernel is not null && options.Initramfs is not null)
        {
            lines.AddRange(["", "## Messages through `/dev/tombolo_bridge_*`", "Two guests in QEMU without hardware virtualisation (`-accel tcg`), 256 MB each, one virtual processor; a write returns when the receiver took the message. The original driver, which ours follows, is known for about 100 writes a second.", ""]);
            lines.AddRange(await new GuestBench(options).MeasureAsync());
        }
        lines.InsertRange(conditions, Conditions.Describe(options, load));
        File.WriteAllLines(options.Out, lines);
        return 0;
    }

    private static string StockVersion(string stock) => File.ReadAllText(Path.Combine(Path.GetDirectoryName(stock)!, "version")).Trim();
}
