// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Switching.Tests;

/// <summary>A scripted driver and our device on one ring, in one memory, with no socket between them.</summary>
internal sealed class RingRig : IDisposable
{
    public const ulong BuffersAt = 0x40000, MemoryBytes = 0x100000;
    private readonly VirtioFeatures _features;
    private readonly GuestRegion[] _regions;
    private readonly MemoryMapping? _inFlight;

    public RingRig(bool isPacked, int size = 16, VirtioFeatures features = VirtioFeatures.IndirectDescriptors, bool hasInFlight = false, params (ulong Guest, ulong Size)[] regions)
    {
        _features = features | VirtioFeatures.Version1 | (isPacked ? VirtioFeatures.RingPacked : 0);
        Memory = new(regions.Length > 0 ? regions : [(0, MemoryBytes)]);
        bool hasEvents = (features & VirtioFeatures.EventIndex) != 0;
        Driver = isPacked ? new ScriptedPackedRing(Memory, 0x1000, size, hasEvents) : new ScriptedSplitRing(Memory, 0x1000, size, hasEvents);
        _regions = [.. Memory.Regions.Select(Map)];
        Guest = GuestMemory.Empty;
        foreach (GuestRegion region in _regions)
        {
            Guest.Add(region, out GuestMemory more).ShouldBeNull();
            Guest = more;
        }
        if (hasInFlight)
        {
            int bytes = Virtqueue.InFlightBytes(size, isPacked);
            using SafeFd fd = Memfd.Create("in-flight", (bytes + 4095) & ~4095);
            _inFlight = MemoryMapping.Map(fd, (bytes + 4095) & ~4095);
            InFlight = new(new GuestBuffer(_inFlight.Address, bytes));
        }
        Device = Create();
    }

    public ScriptedMemory Memory { get; }
    public ScriptedRing Driver { get; }
    public GuestMemory Guest { get; }
    public Virtqueue Device { get; set; }
    public ChainBuffers Buffers { get; } = new();
    public RingArea? InFlight { get; }

    public RingSetup Setup => new()
    {
        Size = Driver.Size,
        Descriptors = new(Driver.Descriptors + ScriptedMemory.UserOffset),
        Driver = new(Driver.Driver + ScriptedMemory.UserOffset),
        Device = new(Driver.Device + ScriptedMemory.UserOffset),
        Features = _features,
        Base = (_features & VirtioFeatures.RingPacked) != 0 ? 0x8000_8000 : 0,
    };

    public Virtqueue Create(Action? step = null)
    {
        Virtqueue.TryCreate(Guest, Setup, InFlight, step ?? (static () => { }), out Virtqueue? queue, out string? problem).ShouldBeTrue(problem);
        return queue!;
    }

    /// <summary>A posted buffer of one descriptor, filled with a number.</summary>
    public int PostNumber(int number)
    {
        ulong at = BuffersAt + ((ulong)(number % 512) * 64);
        Memory.Write32(at, (uint)number);
        return Driver.Post([new(at, 64)]);
    }

    public static int NumberIn(ChainBuffers buffers) => BitConverter.ToInt32(buffers.Readable[0].Bytes);

    public byte[] Read()
    {
        var bytes = new List<byte>();
        foreach (GuestBuffer buffer in Buffers.Readable) bytes.AddRange(buffer.Bytes);
        return [.. bytes];
    }

    public void Dispose()
    {
        foreach (GuestRegion region in _regions) region.Dispose();
        _inFlight?.Dispose();
        Memory.Dispose();
    }

    private GuestRegion Map((ulong Guest, ulong Size, ulong Offset) region)
    {
        (GuestRegion? mapped, string? problem) = GuestRegion.Map(Memory.Descriptor, new(region.Guest), region.Size, new(region.Guest + ScriptedMemory.UserOffset), region.Offset);
        return mapped.ShouldNotBeNull(problem);
    }
}
