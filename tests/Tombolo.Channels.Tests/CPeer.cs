// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Globalization;

namespace Tombolo.Channels.Tests;

/// <summary>A ring in a file, and a C program (guest/linux/test/channel_peer.c) that takes ends of it: another implementation, and one that is cheap to start and to kill.</summary>
internal sealed class CPeer : IDisposable
{
    private readonly TemporaryFolder _folder;
    private readonly string[] _where;
    private readonly int _capacity;

    public CPeer(TemporaryFolder folder, int capacity)
    {
        (_folder, _capacity) = (folder, capacity);
        _ = Run("gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", folder["peer"], RepositoryFile.PathOf("guest/linux/test/channel_peer.c"));
        Area = Channel.OpenArea(folder["area"], 1 << 20);
        Area.Create("c", new() { CapacityBytes = capacity });
        _where = [folder["area"], Text(Area.Find("c")!.OffsetBytes), Text(capacity)];
    }

    /// <summary>Sleeps at once, and goes on for whoever comes next.</summary>
    public static EndOptions Patient { get; } = new() { Spin = TimeSpan.Zero };

    public ChannelArea Area { get; }

    public Process Put(int first, int count = 0) => Process.Start(_folder["peer"], ["put", .. _where, Text(first), Text(count)]);

    public Process Take(int count = 0, params string[] log) => Process.Start(_folder["peer"], ["take", .. _where, Text(count), .. log]);

    public int LengthOf(int index) => 4 + (int)(index * 31L % (_capacity / 2));

    /// <summary>Checks a message's every byte.</summary>
    /// <returns>Its number.</returns>
    public int Check(ReadOnlySpan<byte> message)
    {
        int index = BitConverter.ToInt32(message);
        if (message.Length != LengthOf(index)) throw new InvalidOperationException($"Message {index} has {message.Length} bytes.");
        for (int k = 4; k < message.Length; k++)
            if (message[k] != (byte)(index + k)) throw new InvalidOperationException($"Message {index} is wrong at byte {k}.");
        return index;
    }

    public bool TryWrite(RingProducer producer, int index, bool publish = true)
    {
        int length = LengthOf(index);
        if (!producer.TryReserve(length, out Span<byte> room)) return false;
        BitConverter.TryWriteBytes(room, index);
        for (int k = 4; k < length; k++) room[k] = (byte)(index + k);
        producer.Commit(length, publish);
        return true;
    }

    public void Write(RingProducer producer, int index, bool publish = true)
    {
        while (!TryWrite(producer, index, publish)) _ = producer.WaitForRoom(LengthOf(index), Timeout.InfiniteTimeSpan);
    }

    public void Dispose() => Area.Dispose();

    public static string Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        string output = process.StandardOutput.ReadToEnd(), errors = process.StandardError.ReadToEnd();
        process.WaitForExit(Watchdog.Limit).ShouldBeTrue();
        process.ExitCode.ShouldBe(0, errors);
        return output;
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
