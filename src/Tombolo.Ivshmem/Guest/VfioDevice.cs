// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Memory;

namespace Tombolo.Ivshmem;

/// <summary>An ivshmem device driven from here, through vfio-pci.</summary>
/// <remarks>Source: QEMU docs/specs/ivshmem-spec, "Device registers": BAR0 holds IVPosition at 8 and the doorbell at 12 (peer in the high 16 bits, vector in the low), BAR2 the memory.</remarks>
internal sealed class VfioDevice : IGuestDevice
{
    private const int RegistersBar = 0, MemoryBar = 2, OwnPosition = 8, DoorbellRegister = 12, RegistersBytes = 256;

    private readonly Vfio _vfio;
    private readonly Doorbell _request = Doorbell.Create();
    private readonly List<SafeFd> _vectors = [];
    private Window? _registers;

    private VfioDevice(Vfio vfio, string name)
    {
        (_vfio, Name) = (vfio, name);
        Window = null!;   // Open maps it before anybody sees this object
    }

    public string Name { get; }
    public PeerId Id { get; private set; }
    public Window Window { get; private set; }
    public WindowMemoryType MemoryType => WindowMemoryType.Uncached;   // vfio-pci maps every BAR so
    public IReadOnlyList<SafeFd> Vectors => _vectors;
    public SafeFd Control => _request.Descriptor;

    /// <summary>Opens a device that vfio-pci is bound to.</summary>
    /// <exception cref="LinuxException">The kernel refused; see <see cref="Vfio.Open"/>.</exception>
    /// <exception cref="IvshmemException">Its registers or its memory cannot be mapped.</exception>
    public static VfioDevice Open(string groupPath, string address)
    {
        var device = new VfioDevice(Vfio.Open(groupPath, address), $"{address} (vfio)");
        try
        {
            device.Begin();
            return device;
        }
        catch
        {
            device.Dispose();
            throw;
        }
    }

    // The kernel asks again and again until it gets the device, so nothing is lost by reading.
    public bool IsGoing() => _request.TryTake();

    public bool Ring(PeerId peer, ushort vector)
    {
        if (_vectors.Count == 0) return false;
        // ORDER: release; what was written into the window before is there when the peer is woken.  PAIRS WITH: the peer's look at the memory after its eventfd or interrupt.
        _registers!.View(0, RegistersBytes).WriteRelease32(DoorbellRegister, ((uint)peer.Value << 16) | vector);
        return true;
    }

    public void Dispose()
    {
        _registers?.Dispose();
        Window?.Dispose();
        _vfio.Dispose();
        foreach (SafeFd vector in _vectors) vector.Dispose();
        _request.Dispose();
    }

    private void Begin()
    {
        _vfio.Enable();
        _registers = Map(RegistersBar, "the registers", atLeast: Environment.SystemPageSize);
        Window = Map(MemoryBar, "the shared memory", atLeast: 0);
        Id = new((ushort)_registers.View(0, RegistersBytes).ReadAcquire32(OwnPosition));
        _vfio.SetRequest(_request.Descriptor);
        for (int i = _vfio.VectorCount(); i > 0; i--) _vectors.Add(EventFd.Create());
        if (_vectors.Count > 0) _vfio.SetVectors(_vectors);
    }

    // The registers are fewer bytes than a page; vfio-pci lets the whole page be mapped where nothing else lies in it.
    private Window Map(int bar, string what, long atLeast)
    {
        (long size, long offset, bool canBeMapped) = _vfio.RegionOf(bar);
        return size > 0 && canBeMapped ? Window.MapDevice(_vfio.Descriptor, Math.Max(size, atLeast), offset)
            : throw new IvshmemException($"{Name}: BAR{bar}, {what}, has {size} bytes and cannot be mapped through vfio; load tombolo.ko and tombolo_window.ko instead.");
    }
}
