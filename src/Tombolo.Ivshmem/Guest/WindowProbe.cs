// SPDX-License-Identifier: MIT
using System.Globalization;
using Tombolo.Memory;

namespace Tombolo.Ivshmem;

/// <summary>What a window is like to work with: what its driver says, what was measured, and what to do where that is not what it should be.</summary>
/// <param name="Name">The device or socket.</param>
/// <param name="LengthBytes">The window's length.</param>
/// <param name="Driver">How the guest's kernel mapped it; null on a host.</param>
/// <param name="Measured">How it behaves.</param>
/// <param name="Window">Its figures.</param>
/// <param name="Ordinary">Those of ordinary memory.</param>
/// <param name="Warning">One sentence and the way out; null where all is well.</param>
public sealed record WindowProbe(string Name, long LengthBytes, WindowMemoryType? Driver, MemoryBehaviour Measured, MemoryFigures Window, MemoryFigures Ordinary, string? Warning)
{
    /// <summary>Measures a guest's window.</summary>
    /// <param name="guest">Borrowed.</param>
    /// <param name="options">How.</param>
    /// <exception cref="ArgumentException">The settings have problems.</exception>
    public static WindowProbe Of(GuestParticipant guest, MemoryProbeOptions options)
    {
        MemoryComparison comparison = MemoryProbe.Compare(guest.Window, options);
        return new(guest.DeviceName, guest.Window.LengthBytes, guest.MemoryType, comparison.Behaviour, comparison.Window, comparison.Ordinary, WarningOf(comparison.Behaviour, guest.MemoryType, guest.Route));
    }

    /// <summary>Measures a host's window.</summary>
    /// <param name="name">What it is called.</param>
    /// <param name="window">Borrowed.</param>
    /// <param name="options">How.</param>
    /// <exception cref="ArgumentException">The settings have problems.</exception>
    public static WindowProbe Of(string name, Window window, MemoryProbeOptions options)
    {
        MemoryComparison comparison = MemoryProbe.Compare(window, options);
        return new(name, window.LengthBytes, null, comparison.Behaviour, comparison.Window, comparison.Ordinary, WarningOf(comparison.Behaviour, null, GuestRoute.Auto));
    }

    /// <summary>The report for a person to read.</summary>
    public IEnumerable<string> Lines()
    {
        yield return $"{Name}: {LengthBytes.ToString(CultureInfo.InvariantCulture)} bytes; {(Driver is { } driver ? $"mapped {Word(driver)}, " : "")}behaves {Word(Measured)}";
        yield return $"{"",-10}{"read",12}{"write",12}{"copy",12}{"load",12}{"atomic",12}";
        yield return Row("window", Window);
        yield return Row("ordinary", Ordinary);
        if (Warning is not null) yield return $"warning: {Warning}";
    }

    /// <summary>What is wrong, and the way out.</summary>
    /// <param name="measured">How it behaves.</param>
    /// <param name="driver">How the kernel mapped it; null on a host.</param>
    /// <param name="route">Which way it was opened.</param>
    /// <returns>One sentence, or null where it is mapped and behaves write-back.</returns>
    internal static string? WarningOf(MemoryBehaviour measured, WindowMemoryType? driver, GuestRoute route)
    {
        bool isFast = measured == MemoryBehaviour.WriteBack;
        string wayOut = route == GuestRoute.Vfio ? "tombolo_window.ko maps it write-back, vfio-pci never does."
            : "connect the device to the root bus, where tombolo.ko moves its memory above 4 GiB (and do not forbid that with tombolo.move=0), or give it 2 GiB of memory.";
        return (driver, isFast) switch
        {
            (null or WindowMemoryType.WriteBack or WindowMemoryType.Unknown, true) => null,
            (null, false) => $"The window behaves {Word(measured)}: look at what backs the server's memory, for ordinary shared memory does not.",
            (WindowMemoryType.Uncached, true) => $"The kernel mapped the window uncached; this hypervisor caches it all the same, but another one will not, and it will be slow there: {wayOut}",
            (WindowMemoryType.Uncached, false) => $"The window is uncached, and slow: {wayOut}",
            _ => $"The kernel mapped the window write-back, but it behaves {Word(measured)}: something below the guest's kernel does not cache it; look at the hypervisor's memory backend.",
        };
    }

    private static string Word(WindowMemoryType type) => type switch { WindowMemoryType.WriteBack => "write-back", WindowMemoryType.Uncached => "uncached", _ => "in a way that this program does not know" };

    private static string Word(MemoryBehaviour behaviour) => behaviour switch
    {
        MemoryBehaviour.WriteBack => "write-back",
        MemoryBehaviour.WriteCombining => "write-combining",
        MemoryBehaviour.Uncached => "uncached",
        _ => "uncached or write-combining",
    };

    private static string Row(string name, MemoryFigures figures) =>
        $"{name,-10}{Rate(figures.ReadBytesPerSecond),12}{Rate(figures.WriteBytesPerSecond),12}{Rate(figures.CopyBytesPerSecond),12}{Time(figures.LoadNanoseconds),12}{Time(figures.AtomicNanoseconds),12}";

    private static string Rate(double? bytesPerSecond) => bytesPerSecond is { } rate ? string.Create(CultureInfo.InvariantCulture, $"{rate / 1e9:0.00} GB/s") : "-";

    private static string Time(double? nanoseconds) => nanoseconds is { } time ? string.Create(CultureInfo.InvariantCulture, $"{time:0.0} ns") : "-";
}
