// SPDX-License-Identifier: MIT
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Tombolo.Ivshmem;
using Tombolo.Mailbox;

namespace Tombolo.Bench;

/// <summary>Messages through the guest driver's character device: between two emulated guests, and between a guest and a host process. Two real QEMUs.</summary>
internal sealed class GuestBench(BenchOptions options)
{
    private const int ServingGuest = 1, Host = 2;   // the order in which they join
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(8);

    private sealed record Subject(string Name, string Mode, int To, int Bytes);

    private static readonly Subject[] _subjects =
    [
        new("guest → guest, 64 bytes", "rate", ServingGuest, 64),
        new("guest → guest, 383 bytes", "rate", ServingGuest, 383),
        new("guest → guest → guest, 64 bytes", "trips", ServingGuest, 64),
        new("guest → host, 64 bytes", "rate", Host, 64),
        new("guest → host, 383 bytes", "rate", Host, 383),
        new("guest → host → guest, 64 bytes", "trips", Host, 64),
    ];

    private int Messages => options.IsQuick ? 500 : 10_000;

    private int Repeats => options.IsQuick ? 1 : 3;

    /// <summary>Measures and gives back a table.</summary>
    public async Task<IReadOnlyList<string>> MeasureAsync()
    {
        string folder = Directory.CreateTempSubdirectory("tombolo-bench-").FullName;
        try
        {
            string socket = Path.Combine(folder, "s");
            await using MailboxFabric fabric = await MailboxFabric.StartAsync(new() { Doorbell = new() { SocketPath = socket, SizeBytes = 1 << 20 } });
            using Process serving = Boot(folder, socket, "serving", "guestmail serve");
            using var servingConsole = new GuestConsole(serving);
            _ = servingConsole.Await("TOMBOLO-READY", _patience);
            var echoes = new BlockingCollection<long>();
            MailboxEndpoint? host = null;
            host = MailboxEndpoint.Connect(new() { SocketPath = socket }, new() { Name = "host", AsksServer = false, Handler = (from, message) => Take(host!, from, message, echoes) });
            await using (host)
            {
                if (host.Id.Value != Host) throw new InvalidOperationException($"The host joined as {host.Id}, not as {Host}.");
                using Process asking = Boot(folder, socket, "asking", string.Join('\n', Enumerable.Repeat(_subjects, Repeats).SelectMany(all => all).Select(s => $"guestmail {s.Mode} {s.To} {Messages} {s.Bytes}")));
                using var askingConsole = new GuestConsole(asking);
                var guests = _subjects.ToDictionary(subject => subject, _ => new List<string[]>());
                for (int repeat = 0; repeat < Repeats; repeat++)
                    foreach (Subject subject in _subjects)
                        guests[subject].Add(askingConsole.Await(subject.Mode == "rate" ? "RATE " : "TRIPS ", _patience).Split(' ', StringSplitOptions.RemoveEmptyEntries));
                return [.. Table(guests), .. await FromHostAsync(host, echoes)];
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private IEnumerable<string> Table(Dictionary<Subject, List<string[]>> guests)
    {
        yield return $"| subject ({Messages} messages, {Repeats} times) | messages/s | not taken | round trip median (µs) | p90 | p99 |";
        yield return "| --- | --- | --- | --- | --- | --- |";
        foreach ((Subject subject, List<string[]> runs) in guests)
        {
            if (subject.Mode == "rate")
            {
                Sample rate = new();
                foreach (string[] run in runs) rate.Add(Messages / Number(run[1]));
                yield return string.Create(CultureInfo.InvariantCulture, $"| {subject.Name} | {rate.Median:0} ({rate.Min:0}–{rate.Max:0}) | {runs.Sum(run => Number(run[2])):0} | | | |");
                continue;
            }
            Sample median = new(), ninety = new(), ninetyNine = new();
            foreach (string[] run in runs)
            {
                median.Add(Number(run[1]) / 1000);
                ninety.Add(Number(run[2]) / 1000);
                ninetyNine.Add(Number(run[3]) / 1000);
            }
            yield return string.Create(CultureInfo.InvariantCulture, $"| {subject.Name} | | | {median.Median:0} ({median.Min:0}–{median.Max:0}) | {ninety.Median:0} | {ninetyNine.Median:0} |");
        }
    }

    private async Task<IEnumerable<string>> FromHostAsync(MailboxEndpoint host, BlockingCollection<long> echoes)
    {
        var lines = new List<string>();
        foreach (int bytes in new[] { 64, 383 })
        {
            byte[] message = new byte[bytes];
            message.AsSpan().Fill((byte)'x');
            Sample rate = new();
            int refused = 0;
            for (int repeat = 0; repeat < Repeats; repeat++)
            {
                long start = Stopwatch.GetTimestamp();
                for (int i = 0; i < Messages; i++)
                    if (await host.SendAsync(new(ServingGuest), message) != SendResult.Delivered) refused++;
                rate.Add(Messages / Stopwatch.GetElapsedTime(start).TotalSeconds);
            }
            lines.Add(string.Create(CultureInfo.InvariantCulture, $"| host → guest, {bytes} bytes | {rate.Median:0} ({rate.Min:0}–{rate.Max:0}) | {refused} | | | |"));
        }
        byte[] question = new byte[64];
        question.AsSpan().Fill((byte)'e');
        Sample median = new(), ninety = new(), ninetyNine = new();
        for (int repeat = 0; repeat < Repeats; repeat++)
        {
            double[] trips = new double[Messages];
            for (int i = 0; i < Messages; i++)
            {
                long start = Stopwatch.GetTimestamp();
                host.Post(new(ServingGuest), question);
                if (!echoes.TryTake(out long came, _patience)) throw new InvalidOperationException("The guest does not answer.");
                trips[i] = (came - start) * 1e6 / Stopwatch.Frequency;
            }
            Array.Sort(trips);
            median.Add(trips[Messages / 2]);
            ninety.Add(trips[Messages / 10 * 9]);
            ninetyNine.Add(trips[Messages / 100 * 99]);
        }
        lines.Add(string.Create(CultureInfo.InvariantCulture, $"| host → guest → host, 64 bytes | | | {median.Median:0} ({median.Min:0}–{median.Max:0}) | {ninety.Median:0} | {ninetyNine.Median:0} |"));
        return lines;
    }

    // From the serving guest come only echoes of ours; the asking guest's questions go back.
    private static void Take(MailboxEndpoint host, PeerId from, ReadOnlySpan<byte> message, BlockingCollection<long> echoes)
    {
        if (message[0] != (byte)'e') return;
        if (from.Value == ServingGuest) echoes.Add(Stopwatch.GetTimestamp());
        else host.Post(from, message);
    }

    private Process Boot(string folder, string socket, string name, string script)
    {
        string run = Path.Combine(folder, name);
        File.WriteAllText(run, script + "\n");
        return Start(options, name, run, "-chardev", $"socket,path={socket},id=c", "-device", "ivshmem-doorbell,vectors=16,chardev=c");
    }

    /// <summary>Starts a guest that runs a script.</summary>
    internal static Process Start(BenchOptions options, string name, string script, params string[] devices)
    {
        string[] words =
        [
            "-accel", "tcg", "-m", "256M", "-nodefaults", "-display", "none", "-no-reboot", "-serial", "stdio", "-kernel", options.Kernel!, "-initrd", options.Initramfs!,
            "-append", "console=ttyS0 quiet panic=-1", "-fw_cfg", $"name=opt/tombolo/name,string={name}", "-fw_cfg", $"name=opt/tombolo/run,file={script}",
            .. devices,
        ];
        return Process.Start(new ProcessStartInfo("timeout", ["-k", "5", "1200", "qemu-system-x86_64", .. words]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
