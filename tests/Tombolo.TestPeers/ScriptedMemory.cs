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
    public ScriptedMemory(ulong size) : this([(0UL, size)]) { }

    /// <summary>Several regions, one after another in one memfd.</summary>
    public ScriptedMemory(params (ulong Guest, ulong Size)[] regions)
    {
        ulong offset = 0;
        _regions = new (ulong, ulong, ulong)[regions.Length];
        for (int i = 0; i < regions.Length; offset += regions[i++].Size) _regions[i] = (regions[i].Guest, regions[i].Size, offset);
        Descriptor = Memfd.Create("scripted-guest", (long)offset);
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

    public void Dispose()
    {
        _mapping.Dispose();
        Descriptor.Dispose();
    }
}
