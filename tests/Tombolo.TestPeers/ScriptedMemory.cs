// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using Tombolo.Linux;

namespace Tombolo.TestPeers;

/// <summary>A guest's memory: one memfd, shown as one or several regions.</summary>
public sealed class ScriptedMemory : IDisposable
{
    /// <summary>What separates a front end's addresses from the guest's, in these tests.</summary>
    public const ulong UserOffset = 0x7f00_0000_0000;

    private readonly MemoryMapping _mapping;
    private readonly (ulong Guest, ulong Size, ulong Offset)[] _regions;

    /// <summary>One region from guest address 0.</summary>
    public ScriptedMemory(ulong size, bool isSealable = true) : this(isSealable, [(0UL, size)]) { }

    /// <summary>Several regions, one after another in one memfd.</summary>
    public ScriptedMemory(params (ulong Guest, ulong Size)[] regions) : this(true, regions) { }

    private ScriptedMemory(bool isSealable, (ulong Guest, ulong Size)[] regions)
    {
        ulong offset = 0;
        _regions = new (ulong, ulong, ulong)[regions.Length];
        for (int i = 0; i < regions.Length; offset += regions[i++].Size) _regions[i] = (regions[i].Guest, regions[i].Size, offset);
        Descriptor = isSealable ? Memfd.Create("scripted-guest", (long)offset) : PlainFile((long)offset);
        _mapping = MemoryMapping.Map(Descriptor, (long)offset);
    }

    /// <summary>The memfd.</summary>
    public SafeFd Descriptor { get; }

    /// <summary>Guest address, size and offset in the memfd of each region.</summary>
    public IReadOnlyList<(ulong Guest, ulong Size, ulong Offset)> Regions => _regions;

    /// <summary>Bytes at a guest address; all of them in one region.</summary>
    public unsafe Span<byte> At(ulong guest, int length)
    {
        foreach ((ulong start, ulong size, ulong offset) in _regions)
            if (guest - start < size && size - (guest - start) >= (ulong)length)
                // SAFETY: the range was just checked to lie within the mapping, which stays until Dispose.
                return new((byte*)_mapping.Address + offset + (guest - start), length);
        throw new ArgumentOutOfRangeException(nameof(guest), guest, "The script itself looks outside its memory.");
    }

    public ushort Read16(ulong guest) => BinaryPrimitives.ReadUInt16LittleEndian(At(guest, 2));

    public uint Read32(ulong guest) => BinaryPrimitives.ReadUInt32LittleEndian(At(guest, 4));

    public ulong Read64(ulong guest) => BinaryPrimitives.ReadUInt64LittleEndian(At(guest, 8));

    public void Write16(ulong guest, ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(At(guest, 2), value);

    public void Write32(ulong guest, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(At(guest, 4), value);

    public void Write64(ulong guest, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(At(guest, 8), value);

    /// <summary>Takes the memory away from all who have it mapped. The script itself cannot look at it any more.</summary>
    public void TakeBack() => SharedFile.Resize(Descriptor, 0, "scripted-guest");

    // A file in memory without seals, like that of a front end without huge pages.
    private static SafeFd PlainFile(long size)
    {
        string path = SharedFile.PosixPath($"tombolo-scripted-{Guid.NewGuid():N}");
        SafeFd file = SharedFile.Open(path, size, create: true, mustBeNew: true);
        File.Delete(path);
        return file;
    }

    public void Dispose()
    {
        _mapping.Dispose();
        Descriptor.Dispose();
    }
}
