// SPDX-License-Identifier: MIT
using Tombolo.Switching;
using Tombolo.TestPeers;

namespace Tombolo.Fuzz.Targets;

/// <summary>A driver that posts honest buffers and writes anything anywhere in between.</summary>
internal sealed class VirtqueueTarget : IFuzzTarget
{
    private const ulong RingAt = 0x1000, TableAt = 0x8000, BuffersAt = 0x10000;
    private const int Size = 16;
    private readonly ScriptedMemory _memory = new((0, 0x12000), (0x12000, 0x1000), (0x20000, 0x1000));   // two that touch, and a hole
    private readonly GuestRegion[] _regions;
    private readonly GuestMemory _guest = GuestMemory.Empty;
    private readonly ChainBuffers _buffers = new();

    public VirtqueueTarget()
    {
        _regions = [.. _memory.Regions.Select(region => GuestRegion.Map(_memory.Descriptor, new(region.Guest), region.Size, new(region.Guest + ScriptedMemory.UserOffset), region.Offset).Region!)];
        foreach (GuestRegion region in _regions) _ = _guest.Add(region, out _guest);
    }

    public string Name => "virtqueue";

    public IReadOnlyList<byte[]> Words { get; } = [.. new ulong[] { 0, 1, 2, 4, 5, 15, 16, 0x80, 0x8000, 0x11ff0, 0x12000, 0x12ff8, 0x13000, 0x20000, 0x20fff, ulong.MaxValue }.Select(BitConverter.GetBytes)];

    public IEnumerable<byte[]> Seeds() => [[0, 1, 1, 3, 4], [1, 1, 1, 3, 4, 5], [2, 2, 2, 3, 4, 3], [3, 2, 1, 3, 3, 4], [0, 1, 0, 10, 0, 255, 3, 4], [5, 1, 1, 6, 3, 3, 4]];

    public string Run(ReadOnlySpan<byte> input)
    {
        var script = new ByteScript(input);
        byte kind = script.Byte();
        bool isPacked = (kind & 1) != 0;
        VirtioFeatures features = VirtioFeatures.Version1 | (isPacked ? VirtioFeatures.RingPacked : 0) | ((kind & 2) != 0 ? VirtioFeatures.EventIndex : 0) | ((kind & 4) != 0 ? 0 : VirtioFeatures.IndirectDescriptors);
        ScriptedRing driver = isPacked ? new ScriptedPackedRing(_memory, RingAt, Size, (kind & 2) != 0) : new ScriptedSplitRing(_memory, RingAt, Size, (kind & 2) != 0);
        var setup = new RingSetup
        {
            Size = Size,
            Descriptors = new(driver.Descriptors + ScriptedMemory.UserOffset),
            Driver = new(driver.Driver + ScriptedMemory.UserOffset),
            Device = new(driver.Device + ScriptedMemory.UserOffset),
            Features = features,
            Base = isPacked ? 0x8000_8000 : 0,
        };
        FuzzFinding.Require(Virtqueue.TryCreate(_guest, setup, out Virtqueue? device, out string? problem), $"A good ring is refused: {problem}");
        var taken = new Queue<Chain>();
        int count = 0;
        while (!script.IsAtEnd && count < 200) Step(ref script, driver, device!, taken, ref count);
        return $"{(isPacked ? "packed" : "split")} {device!.Fault} {Math.Min(count, 3)}";
    }

    public void Dispose()
    {
        foreach (GuestRegion region in _regions) region.Dispose();
        _memory.Dispose();
    }

    private void Step(ref ByteScript script, ScriptedRing driver, Virtqueue device, Queue<Chain> taken, ref int count)
    {
        switch (script.Byte() % 7)
        {
            case 0:
                ulong offset = (ulong)script.Byte() * 4;
                script.Bytes(8).CopyTo(_memory.At(RingAt + offset, 8));
                break;
            case 1: _ = driver.Post([new(BuffersAt, 100), new(BuffersAt + 0x1ff0, 32), new(BuffersAt + 512, 64, IsWritable: true)]); break;
            case 2: _ = driver.Post([new(BuffersAt, 8), new(BuffersAt + 64, 8, IsWritable: true)], TableAt); break;
            case 3:
                _buffers.Clear();
                if (!device.TryTake(_buffers, out Chain chain)) break;
                count++;
                Check(chain);
                taken.Enqueue(chain);
                break;
            case 4:
                while (taken.TryDequeue(out Chain done)) device.Complete(done, 7);
                device.Publish();
                _ = (device.TakeNotice(), device.EnableKicks(), device.Position, device.HasWork);
                break;
            case 5:
                device.DisableKicks();
                _ = driver.NeedsKick();
                break;
            default:
                script.Bytes(16).CopyTo(_memory.At(TableAt + ((ulong)(script.Byte() % 4) * 16), 16));
                break;
        }
    }

    private void Check(Chain chain)
    {
        long readable = 0, writable = 0;
        foreach (GuestBuffer buffer in _buffers.Readable) readable += Touch(buffer, isWritable: false);
        foreach (GuestBuffer buffer in _buffers.Writable) writable += Touch(buffer, isWritable: true);
        FuzzFinding.Require(readable == chain.ReadableBytes && writable == chain.WritableBytes, $"A chain of {chain.ReadableBytes} and {chain.WritableBytes} bytes has {readable} and {writable}.");
    }

    // Outside the mapping this ends the process.
    private static int Touch(GuestBuffer buffer, bool isWritable)
    {
        Span<byte> bytes = buffer.Bytes;
        if (isWritable) (bytes[0], bytes[^1]) = (1, 2);
        else FuzzFinding.Require(bytes[0] + bytes[^1] >= 0, "");
        return bytes.Length;
    }
}
