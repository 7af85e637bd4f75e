// SPDX-License-Identifier: MIT
namespace Tombolo.Switching;

/// <summary>The control loop, as a port sees it.</summary>
internal interface IPortOwner
{
    /// <summary>A ring of the port runs.</summary>
    void RingStarted(VhostPort port, Vring ring);

    /// <summary>A ring of the port is about to stop.</summary>
    void RingStopping(VhostPort port, Vring ring);

    /// <summary>A ring of the port was enabled or disabled.</summary>
    void RingEnabled(VhostPort port, Vring ring);

    /// <summary>The port's guest has moved here.</summary>
    void Announce(VhostPort port, MacAddress address);
}
