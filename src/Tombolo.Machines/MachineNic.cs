// SPDX-License-Identifier: MIT
namespace Tombolo.Machines;

/// <summary>One network card of a machine: virtio-net, served over a vhost-user socket by a virtual switch.</summary>
/// <param name="Name">Names it inside QEMU, unique in the machine: a letter, then letters, digits, '-' and '_'.</param>
/// <param name="SocketPath">The vhost-user socket.</param>
/// <param name="Mac">Its address, six hexadecimal bytes between colons.</param>
public sealed record MachineNic(string Name, string SocketPath, string Mac)
{
    /// <summary>QEMU listens on the socket and waits for the switch; else it connects, again and again. Default false.</summary>
    public bool Listens { get; init; }

    /// <summary>Queue pairs, 1..127. Default 1.</summary>
    public int QueuePairs { get; init; } = 1;

    /// <summary>The MTU that the guest is told, 68..65535; null: it is told none. Default null.</summary>
    public int? Mtu { get; init; }

    /// <summary>Addresses with their prefix lengths that the demo image gives it, such as 192.168.1.1/24.</summary>
    public IReadOnlyList<string> Addresses { get; init; } = [];
}
