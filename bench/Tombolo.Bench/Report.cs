// SPDX-License-Identifier: MIT
namespace Tombolo.Bench;

/// <summary>Measures, part by part, and writes it down.</summary>
internal static class Report
{
    /// <param name="Name">The word on the command line.</param>
    /// <param name="Title">Its section's title in the results.</param>
    /// <param name="Measure">Gives the section's lines.</param>
    private sealed record Part(string Name, string Title, Func<Task<IEnumerable<string>>> Measure);

    public static async Task<int> RunAsync(BenchOptions options)
    {
        Part[] parts = [.. Parts(options)];
        if (options.Only.Except(parts.Select(part => part.Name)).FirstOrDefault() is { } unknown)
        {
            Console.Error.WriteLine($"tombolo-bench: there is no part '{unknown}'; the parts are {string.Join(", ", parts.Select(part => part.Name))}.");
            return 2;
        }
        ResultsFile results = ResultsFile.Open(options.Out);
        foreach (Part part in parts.Where(part => options.Only.Count == 0 || options.Only.Contains(part.Name)))
        {
            double load = Conditions.Load;
            List<string> lines = [.. await part.Measure()];
            results.Put(part.Title, [.. Conditions.Describe(options, load), "", .. lines]);
            results.Save();   // what is measured is not lost if the next part fails
        }
        return 0;
    }

    private static IEnumerable<Part> Parts(BenchOptions options)
    {
        yield return new("roundtrip", "Round trips between two host processes", () => Task.FromResult<IEnumerable<string>>([
            "The limit is two eventfds and nothing else, in C. Subjects take turns within each round, so that they share the machine's moods.",
            "A doorbell's eventfd is shared with processes of others, and must not block whoever rings it. So its owner cannot sleep in `read`, as the first row does: it needs a second system call, `epoll_wait`. On one core, where nothing else takes time, that shows; the C programs in an epoll loop pay it too.",
            .. new RoundTripBench(options).Measure()]));
        yield return new("mesh", "Time to the full mesh", () => Task.FromResult<IEnumerable<string>>([
            "All clients connect in one burst (one C program, bench/native/mesh.c, reads and counts every message and closes every descriptor at once).",
            options.Stock is null
                ? "The stock server, QEMU's `contrib/ivshmem-server`, could not be built for comparison: Debian has no package of it, and its source could not be had."
                : $"The stock server is QEMU's `contrib/ivshmem-server`, built from Debian's source package ({StockVersion(options.Stock)}); it sends without looking whether the client can take it, and waits with `select`, which ends at 1024 descriptors.",
            "",
            .. new MeshBench(options).Measure()]));
        yield return new("idle", "A server with 500 idle peers", () => Task.FromResult(new IdleBench(options).Measure()));
        if (Environment.ProcessorCount > 1)
            yield return new("channel", "Channels between two processes", () => Task.FromResult(new ChannelBench(options).Measure()));
        yield return new("store", "The store", () =>
        {
            using StoreBench store = new(options);
            string other = options.Xenstored is { } folder
                ? $"xenstored is Debian's own program ({File.ReadAllText(Path.Combine(folder, "version")).Trim()}) with a shim in the hypervisor's place (bench/native/xen-shim.c), its database in memory."
                : "Debian's xenstored could not be had for comparison.";
            return Task.FromResult<IEnumerable<string>>([
                "Operations per second; the median of all rounds, in brackets the lowest and highest; behind it, the server's processor time for one. One C program is all the clients (bench/native/storebench.c): each has one request under way, and all of them one epoll loop. " + other,
                "",
                .. store.Measure()]);
        });
        if (Environment.ProcessorCount > 1)
            yield return new("switching", "Frames through the switch", () => Task.FromResult<IEnumerable<string>>([
                "Between two ports of one `dpdk-testpmd` (virtio-user, split rings of 512), which sends what it receives at one port out of the other: 256 frames go round each way, and what arrives is counted at both ports. The subject has one core, generator and sink the other. "
                + "`vde_switch` knows no such ports: there, one C program sends and receives (bench/native/frames.c). Latency: one frame goes round each way; half the time of a round, the generator's own part in it. The median of all rounds, in brackets the lowest and highest.",
                "",
                .. new SwitchBench(options).Measure()]));
        yield return new("regions", "Regions", async () =>
        {
            using RegionBench regions = new(options);
            return [
                "A signal changes a word, puts its offset into the table, rings, and wakes who sleeps on the word; here it is answered in the same way. Between host processes the kernel's futex does it; across the VM's border, QEMU without hardware virtualisation (`-accel tcg`) and the guest's driver.",
                "\"Doorbells alone\" is the same way without table and sleepers: an eventfd to QEMU, an interrupt, a call of the driver, the doorbell register, an eventfd back.",
                "",
                .. await regions.MeasureAsync()];
        });
        if (Environment.ProcessorCount > 1)
            yield return new("grants", "Granted pages", () =>
            {
                using GrantBench grants = new(options);
                return Task.FromResult<IEnumerable<string>>([
                    "Domains are host processes here; `tombolo store serve` and `tombolo grant serve` run beside them. The medians of all rounds, in brackets the lowest and highest.",
                    "",
                    .. grants.Measure()]);
            });
        if (options.Kernel is not null && options.ZeroMqInitramfs is not null)
            yield return new("zeromq", "ZeroMQ in guests", () => Task.FromResult<IEnumerable<string>>([
                "Guests in QEMU without hardware virtualisation (`-accel tcg`), 256 MB each, one virtual processor; the same two guests have a card at the switch and a card at the stream. The programs are those of samples/zeromq/c, so that no compiler at run time takes part. "
                + "The median of all rounds, in brackets the lowest and highest.",
                "",
                .. new ZeroMqBench(options).Measure()]));
        if (options.Kernel is not null && options.Initramfs is not null)
            yield return new("guest", "Messages through `/dev/tombolo_bridge_*`", async () => [
                "Two guests in QEMU without hardware virtualisation (`-accel tcg`), 256 MB each, one virtual processor; a write returns when the receiver took the message. The original driver, which ours follows, is known for about 100 writes a second.",
                "",
                .. await new GuestBench(options).MeasureAsync()]);
    }

    private static string StockVersion(string stock) => File.ReadAllText(Path.Combine(Path.GetDirectoryName(stock)!, "version")).Trim();
}
