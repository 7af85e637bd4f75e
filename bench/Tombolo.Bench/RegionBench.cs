// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Globalization;
using Tombolo.Linux;
using Tombolo.Memory;
using Tombolo.Regions;

namespace Tombolo.Bench;

/// <summary>Regions: from a signal to the wake and back, on the host and across the VM's border, beside the bare eventfds; opening and mapping; many clients at once.</summary>
internal sealed class RegionBench(BenchOptions options) : IDisposable
{
    private const string Layout =
        """
        { "vsoc_shm_layout_descriptor": { "major_version": 2, "minor_version": 0 }, "vsoc_device_regions": [
          { "device_name": "signals", "current_version": 0, "min_compatible_version": 0, "region_size": 1048576, "guest_to_host_signal_table": { "num_nodes_lg2": 4 }, "host_to_guest_signal_table": { "num_nodes_lg2": 4 } },
          { "device_name": "bell", "current_version": 0, "min_compatible_version": 0, "region_size": 4096, "guest_to_host_signal_table": { "num_nodes_lg2": 4 }, "host_to_guest_signal_table": { "num_nodes_lg2": 4 } } ] }
        """;

    private const int Clients = 1000;
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(2);

    private readonly string _folder = Directory.CreateTempSubdirectory("tombolo-bench-").FullName;
    private readonly string _self = Environment.ProcessPath!;

    private string Socket => Path.Combine(_folder, "c");

    private int Trips => options.IsQuick ? 1000 : 20_000;

    /// <summary>Measures and gives back two tables.</summary>
    public async Task<IReadOnlyList<string>> MeasureAsync()
    {
        LayoutReading reading = LayoutFile.Parse(System.Text.Encoding.UTF8.GetBytes(Layout), "bench");
        await using RegionServer server = await RegionServer.StartAsync(new() { Layout = reading.Layout!, ClientSocket = Socket, Doorbell = new() { SocketPath = Path.Combine(_folder, "q"), MemoryName = "regions-bench" } });
        return [.. RoundTrips(server), "", .. Openings()];
    }

    /// <summary>Answers signals in a process of its own, until it is ended.</summary>
    public static void Answer(string socket)
    {
        using RegionClient region = RegionClient.Open("signals", new() { Socket = socket });
        uint ping = region.DataOffset, pong = ping + 4, seen = region.View(ping, 4).ReadAcquire32(0);
        Console.WriteLine("ready");
        while (true)
        {
            _ = region.Wait(ping, seen, Timeout.InfiniteTimeSpan);
            seen = region.View(ping, 4).ReadAcquire32(0);
            region.View(pong, 4).WriteRelease32(0, seen);
            region.Signal(pong, SignalSides.Host);
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private IEnumerable<string> RoundTrips(RegionServer server)
    {
        Trial raw = new("two processes, raw eventfd (C)"), host = new("two host processes, a signal each way"), bell = new("host and guest, doorbells alone"), guest = new("host and guest, a signal each way");
        bool hasGuest = options.Kernel is not null && options.Initramfs is not null;
        using Process? machine = hasGuest ? Boot("guestregion bell /dev/bell & exec guestregion signals /dev/signals") : null;
        using GuestConsole? console = machine is null ? null : new(machine);
        for (int once = 0; console is not null && once < 2; once++) _ = console.Await("ANSWERING", _patience);
        for (int round = 0; round < options.Rounds; round++)
        {
            raw.Add(ChildProgram.Run(Path.Combine(options.Native, "pingpong"), "eventfd", Number(Trips), Number(Trips / 10)));
            using (RegionClient region = RegionClient.Open("signals", new() { Socket = Socket }))
            {
                if (console is not null) guest.Add(Ask(region, SignalSides.Guest));
                using var other = new ChildProgram(_self, "region-answer", Socket);
                _ = other.ReadLine();
                host.Add(Ask(region, SignalSides.Host));
            }
            if (console is not null) bell.Add(RingToAndFro(server));
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"regions, round {round + 1}: raw {raw.Last:0.0}, host {host.Last:0.0}, doorbells {bell.Last:0.0}, guest {guest.Last:0.0} µs"));
        }
        yield return $"| there and back (µs; the median of {options.Rounds} rounds of {Trips} trips, in brackets the lowest and highest round) | median | p90 | p99 |";
        yield return "| --- | --- | --- | --- |";
        foreach (Trial trial in hasGuest ? (Trial[])[raw, host, bell, guest] : [raw, host]) yield return trial.Row;
    }

    private static double[] Times(int trips, Action trip)
    {
        for (int i = 0; i < trips / 10; i++) trip();
        double[] times = new double[trips];
        for (int i = 0; i < trips; i++)
        {
            long start = Stopwatch.GetTimestamp();
            trip();
            times[i] = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
        }
        return times;
    }

    private double[] Ask(RegionClient region, SignalSides to)
    {
        uint ping = region.DataOffset, pong = ping + 4, number = region.View(pong, 4).ReadAcquire32(0);
        return Times(Trips, () =>
        {
            region.View(ping, 4).WriteRelease32(0, number + 1);
            region.Signal(ping, to);
            if (!region.Wait(pong, number, _patience)) throw new InvalidOperationException("Nobody answers the signal.");
            number = region.View(pong, 4).ReadAcquire32(0);
        });
    }

    // The guest waits for the signalled word and the ring, and rings back; nobody else takes this region's rings.
    private double[] RingToAndFro(RegionServer server)
    {
        int index = server.Layout.IndexOf("bell");
        RegionDescriptor region = server.Layout.Regions[index];
        (SafeFd fromGuest, SafeFd toGuest) = (server.FromGuest[index], server.ToGuest[index]);
        _ = EventFd.TryRead(fromGuest, out _);   // what it rang when it came
        return Times(Trips, () =>
        {
            _ = server.Window.View(region.BeginOffset + region.HostToGuest.SignalledOffset, 4).Exchange32(0, 1);
            EventFd.Signal(toGuest);
            if (!UnixSocket.Wait(fromGuest, forReading: true, _patience) || !EventFd.TryRead(fromGuest, out _)) throw new InvalidOperationException("The guest does not ring back.");
        });
    }

    private IEnumerable<string> Openings()
    {
        Sample open = new(), map = new(), many = new();
        for (int round = 0; round < options.Rounds; round++)
        {
            double[] opened = Times(200, () => RegionClient.Open("signals", new() { Socket = Socket }).Dispose());
            open.Add(opened.Order().ElementAt(opened.Length / 2));
            using SafeFd memory = Memfd.Create("bench", 1 << 20);
            double[] mapped = Times(200, () =>
            {
                using Window window = Window.Map(memory);
                for (int page = 0; page < 1 << 20; page += 4096) _ = window.View(page, 4).ReadAcquire32(0);
            });
            map.Add(mapped.Order().ElementAt(mapped.Length / 2));
            long start = Stopwatch.GetTimestamp();
            var all = new RegionClient[Clients];
            _ = Parallel.For(0, Clients, index => all[index] = RegionClient.Open("signals", new() { Socket = Socket, Timeout = _patience }));
            many.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            foreach (RegionClient client in all) client.Dispose();
        }
        yield return $"| {options.Rounds} rounds, in brackets the lowest and highest | median |";
        yield return "| --- | --- |";
        yield return string.Create(CultureInfo.InvariantCulture, $"| open a region: ask the server, take its descriptors, map, check, and close (µs) | {open.Median:0} ({open.Min:0}–{open.Max:0}) |");
        yield return string.Create(CultureInfo.InvariantCulture, $"| map 1 MiB of shared memory, touch each page, unmap (µs) | {map.Median:0} ({map.Min:0}–{map.Max:0}) |");
        yield return string.Create(CultureInfo.InvariantCulture, $"| {Clients} clients of one process open the region at once, until the last has it (ms) | {many.Median:0} ({many.Min:0}–{many.Max:0}) |");
    }

    private Process Boot(string script)
    {
        string run = Path.Combine(_folder, "run");
        File.WriteAllText(run, script + "\n");
        return GuestBench.Start(options, "regions", run, "-chardev", $"socket,path={Path.Combine(_folder, "q")},id=c", "-device", "ivshmem-doorbell,vectors=2,chardev=c");
    }

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    private sealed class Trial(string name)
    {
        private readonly Sample _median = new(), _ninety = new(), _ninetyNine = new();

        public double Last { get; private set; }

        public string Row => string.Create(CultureInfo.InvariantCulture, $"| {name} | {_median.Median:0.0} ({_median.Min:0.0}–{_median.Max:0.0}) | {_ninety.Median:0.0} | {_ninetyNine.Median:0.0} |");

        public void Add(double[] microseconds)
        {
            Array.Sort(microseconds);
            Add(microseconds[microseconds.Length / 2], microseconds[microseconds.Length / 10 * 9], microseconds[microseconds.Length / 100 * 99]);
        }

        public void Add(string nanoseconds)
        {
            double[] figures = [.. nanoseconds.Split(' ').Select(text => double.Parse(text, CultureInfo.InvariantCulture) / 1000)];
            Add(figures[0], figures[1], figures[2]);
        }

        private void Add(double median, double ninety, double ninetyNine)
        {
            Last = median;
            _median.Add(median);
            _ninety.Add(ninety);
            _ninetyNine.Add(ninetyNine);
        }
    }
}
