// SPDX-License-Identifier: MIT
namespace Tombolo.Switching;

/// <summary>Who moves frames over a device's rings. Called on the control loop.</summary>
internal interface IVringUser
{
    /// <summary>A ring runs, or runs again after a change of the guest's memory.</summary>
    void RingStarted(Vring ring);

    /// <summary>A ring is about to stop, and its kick descriptor to be closed; or to stand still for a moment (<paramref name="isBrief"/>), in which nothing is lost.</summary>
    void RingStopping(Vring ring, bool isBrief);

    /// <summary>A ring was enabled or disabled.</summary>
    void RingEnabled(Vring ring);

    /// <summary>Features were agreed on, or forgotten.</summary>
    void FeaturesChanged(VirtioFeatures features);

    /// <summary>The front end asks to announce a guest that has moved.</summary>
    void Announce(MacAddress address);
}
