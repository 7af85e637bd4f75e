// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Memory;

namespace Tombolo.Ivshmem;

/// <summary>A guest's own standing on the fabric that its ivshmem device joins it to.</summary>
/// <remarks>
/// Two ways lead there, and <see cref="Open"/> chooses: our driver's device (many processes at once), or vfio-pci (no module of ours; one process at a time).
/// <para>Who is there: QEMU is the fabric's client and tells its guest nothing of joins and leaves. So <see cref="KnowsPeers"/> is false, <see cref="Peers"/> is empty, and <see cref="Ring"/> says true to any
/// ID: a ring for nobody goes nowhere. Who takes part has to be read from the memory (a mailbox's names, a channel's owners).</para>
/// <para>Rings from before <see cref="Open"/> returned may be lost: look at the memory first, and only then wait. And a ring for a peer that joined a moment ago is lost while QEMU has not heard of it;
/// nobody can tell. So ring again now and then while an answer is due, or let the receiver look now and then.</para>
/// <para>The device may go (it is unplugged, its driver is removed): <see cref="Control"/> becomes readable and <see cref="ProcessControl"/> returns false. Our driver's mapping is then
/// gone already, and touching the window raises SIGBUS, which ends the process; vfio waits with that until this object is disposed.</para>
/// </remarks>
public sealed class GuestParticipant : IParticipant
{
    private readonly IGuestDevice _device;

    private GuestParticipant(IGuestDevice device) => _device = device;

    /// <summary>Which way was taken.</summary>
    public GuestRoute Route => _device is VfioDevice ? GuestRoute.Vfio : GuestRoute.WindowDevice;

    /// <summary>The device's node, or its PCI address.</summary>
    public string DeviceName => _device.Name;

    /// <summary>How the kernel mapped the memory. A hypervisor may treat it better than that (KVM on Intel does), never worse.</summary>
    public WindowMemoryType MemoryType => _device.MemoryType;

    /// <summary>The ID under which others ring this guest. All programs of a guest share it. Without vectors (ivshmem-plain) it is 0 and means nothing.</summary>
    public PeerId Id => _device.Id;

    /// <inheritdoc/>
    public Window Window => _device.Window;

    /// <summary>The eventfds on which this guest hears, in vector order; none with ivshmem-plain. Every program that opened the device hears every ring.</summary>
    public IReadOnlyList<SafeFd> Vectors => _device.Vectors;

    /// <inheritdoc/>
    public SafeFd Control => _device.Control;

    /// <summary>False: a guest's device does not say who is there.</summary>
    public bool KnowsPeers => false;

    /// <summary>Always empty; see <see cref="KnowsPeers"/>.</summary>
    public IReadOnlyList<PeerId> Peers => [];

    /// <summary>Never raised; see <see cref="KnowsPeers"/>.</summary>
    public event Action<PeerId>? Joined { add { } remove { } }

    /// <summary>Never raised; see <see cref="KnowsPeers"/>.</summary>
    public event Action<PeerId>? Left { add { } remove { } }

    /// <summary>Opens this guest's ivshmem device: our driver's device where there is one, otherwise vfio where that is possible.</summary>
    /// <param name="options">Which device, which way; null for the only device and the best way.</param>
    /// <returns>A participant; the caller disposes it.</returns>
    /// <exception cref="ArgumentException">The settings have problems; the message names them all.</exception>
    /// <exception cref="IvshmemException">There is no such device, or no way to it; the sentence says why and what to do.</exception>
    /// <exception cref="LinuxException">The kernel refused. Nothing is left open.</exception>
    public static GuestParticipant Open(GuestParticipantOptions? options = null)
    {
        options ??= new();
        string[] problems = [.. options.Problems()];
        return problems.Length == 0 ? new(GuestDeviceChoice.Open(options)) : throw new ArgumentException(string.Join(' ', problems), nameof(options));
    }

    /// <summary>Looks whether the device is still there.</summary>
    /// <returns>False once it is gone, or wanted back: use the window no more, and dispose.</returns>
    public bool ProcessControl() => !_device.IsGoing();

    /// <summary>Rings a peer's doorbell.</summary>
    /// <param name="peer">Whom; also this guest itself.</param>
    /// <param name="vector">Which of its vectors.</param>
    /// <returns>True where the device took it, whether or not there is such a peer or vector; false where the device is gone or has no doorbells, and for a vector that nobody can have.</returns>
    public bool Ring(PeerId peer, int vector) => vector is >= 0 and < DoorbellServerOptions.MaxVectors && _device.Ring(peer, (ushort)vector);

    /// <summary>Closes the device.</summary>
    public void Dispose() => _device.Dispose();
}
