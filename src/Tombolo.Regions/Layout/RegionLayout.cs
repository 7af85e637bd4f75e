// SPDX-License-Identifier: MIT
using System.Numerics;
using Tombolo.Memory;

namespace Tombolo.Regions;

/// <summary>Which regions a window has and where they lie. Immutable, and without faults: it was checked when it was made.</summary>
/// <remarks>Region <i>i</i>'s doorbells are vector <i>i</i>: of peer 0 for what the guest signals, of the VM for what the host signals.</remarks>
public sealed class RegionLayout
{
    /// <summary>The most regions: one vector each, and QEMU takes 2048.</summary>
    public const int MaxRegions = 2048;

    /// <summary>The largest window: its size must be a power of two and fit in the descriptor's 32 bits.</summary>
    public const long MaxWindowBytes = 1L << 31;

    private RegionLayout(ushort minor, long windowBytes, uint tableOffset, IReadOnlyList<RegionDescriptor> regions) =>
        (Minor, WindowBytes, TableOffset, Regions) = (minor, windowBytes, tableOffset, regions);

    /// <summary>The layout's minor version.</summary>
    public ushort Minor { get; }

    /// <summary>Size of the window: a power of two in what we make; in what was read from a window, what that says, and no more than there is.</summary>
    public long WindowBytes { get; }

    /// <summary>Where the region table begins.</summary>
    public uint TableOffset { get; }

    /// <summary>The regions; a region's place here is its index, and its vector.</summary>
    public IReadOnlyList<RegionDescriptor> Regions { get; }

    /// <summary>Where the first region may begin: on the page after the descriptors.</summary>
    /// <param name="regions">How many regions there are.</param>
    internal static uint FirstBegin(int regions) => PageUp(LayoutDescriptor.Size + ((long)regions * RegionDescriptor.Size)) is var bytes ? (uint)bytes : 0;

    internal static long PageUp(long bytes) => (bytes + RegionDescriptor.PageBytes - 1) & -(long)RegionDescriptor.PageBytes;

    /// <summary>The place of a region's tables and data: the guest-to-host slots, their signalled word, the host-to-guest slots, their signalled word, then, 8-byte aligned, the data.</summary>
    internal static (SignalTable GuestToHost, SignalTable HostToGuest, uint DataOffset) PlaceTables(uint guestToHostLog2, uint hostToGuestLog2)
    {
        uint word = 4u << (int)guestToHostLog2, second = word + 4, secondWord = second + (4u << (int)hostToGuestLog2);
        return (new(guestToHostLog2, 0, word), new(hostToGuestLog2, second, secondWord), (secondWord + 4 + 7) & ~7u);
    }

    /// <summary>Makes the layout of regions whose places are known and were checked; the window is the next power of two.</summary>
    internal static RegionLayout Of(ushort minor, IReadOnlyList<RegionDescriptor> regions) =>
        new(minor, (long)BitOperations.RoundUpToPowerOf2(regions.Max(region => region.EndOffset)), (uint)LayoutDescriptor.Size, regions);

    /// <summary>Finds a region.</summary>
    /// <param name="name">Its name, case-sensitive.</param>
    /// <returns>Its index, or −1.</returns>
    public int IndexOf(string name)
    {
        for (int index = 0; index < Regions.Count; index++)
            if (Regions[index].Name == name) return index;
        return -1;
    }

    /// <summary>Writes descriptor and region table into a window, and empties the signal tables.</summary>
    /// <param name="window">At least <see cref="WindowBytes"/> long.</param>
    /// <param name="clearSignals">Empty the signal tables; not where parties use them already.</param>
    public void Write(Window window, bool clearSignals = true)
    {
        Span<byte> bytes = stackalloc byte[RegionDescriptor.Size];
        for (int index = 0; index < Regions.Count; index++)
        {
            Regions[index].Write(bytes);
            window.View(TableOffset + ((long)index * RegionDescriptor.Size), RegionDescriptor.Size).CopyIn(0, bytes);
            if (clearSignals) window.View(Regions[index].BeginOffset, (int)Regions[index].DataOffset).Clear(0, (int)Regions[index].DataOffset);
        }
        new LayoutDescriptor(LayoutDescriptor.CurrentMajor, Minor, (uint)WindowBytes, (uint)Regions.Count, TableOffset).Write(bytes);
        window.View(0, LayoutDescriptor.Size).CopyIn(0, bytes[..LayoutDescriptor.Size]);
    }

    /// <summary>Reads a layout out of a window, which the guest or any client may have written: it is copied once and every value is checked.</summary>
    /// <param name="window">The window.</param>
    /// <param name="layout">The layout, or null.</param>
    /// <param name="fault">Why there is none, a sentence; empty where there is one.</param>
    public static bool TryRead(Window window, out RegionLayout? layout, out string fault)
    {
        layout = null;
        if (window.LengthBytes < LayoutDescriptor.Size)
        {
            fault = $"The window has {window.LengthBytes} bytes, too few for a layout.";
            return false;
        }
        Span<byte> head = stackalloc byte[LayoutDescriptor.Size];
        window.View(0, LayoutDescriptor.Size).CopyOut(0, head);
        _ = LayoutDescriptor.TryRead(head, out LayoutDescriptor descriptor);
        if (descriptor.Check() is var wrong and not Wire.WireFault.None || descriptor.WindowBytes > window.LengthBytes)
        {
            fault = $"The window holds no layout of version {LayoutDescriptor.CurrentMajor}: it says version {descriptor.Major}.{descriptor.Minor}, {descriptor.WindowBytes} bytes, {descriptor.Regions} regions described at 0x{descriptor.TableOffset:x}.";
            return false;
        }
        byte[] table = new byte[descriptor.Regions * RegionDescriptor.Size];
        window.View(descriptor.TableOffset, table.Length).CopyOut(0, table);
        var regions = new RegionDescriptor[descriptor.Regions];
        for (int index = 0; index < regions.Length; index++) _ = RegionDescriptor.TryRead(table.AsSpan(index * RegionDescriptor.Size), out regions[index]);
        fault = FaultOf(regions, descriptor);
        if (fault.Length > 0) return false;
        layout = new(descriptor.Minor, descriptor.WindowBytes, descriptor.TableOffset, regions);
        return true;
    }

    private static string FaultOf(RegionDescriptor[] regions, LayoutDescriptor descriptor)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (int index = 0; index < regions.Length; index++)
        {
            RegionDescriptor region = regions[index];
            if (region.Problem is { } problem) return $"Region {index} of the window's table cannot be: {problem}.";
            if (region.EndOffset > descriptor.WindowBytes) return $"Region {index} ({region.Name}) ends at 0x{region.EndOffset:x}, beyond the window's {descriptor.WindowBytes} bytes.";
            if (region.ManagedBy >= regions.Length) return $"Region {index} ({region.Name}) is managed by region {region.ManagedBy}, of {regions.Length}.";
            if (!names.Add(region.Name)) return $"Two regions of the window's table are named {region.Name}.";
        }
        ulong after = descriptor.TableOffset + ((ulong)regions.Length * (uint)RegionDescriptor.Size);
        string before = "the descriptors";
        foreach (RegionDescriptor region in regions.OrderBy(region => region.BeginOffset))
        {
            if (region.BeginOffset < after) return $"Region {region.Name} begins at 0x{region.BeginOffset:x}, within {before}.";
            (after, before) = (region.EndOffset, $"region {region.Name}");
        }
        return "";
    }
}
