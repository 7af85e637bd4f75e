// SPDX-License-Identifier: MIT
namespace Tombolo.Switching;

/// <summary>Where frames come from and go to. The control loop makes it and takes it away; data threads use it in between.</summary>
internal abstract class Port(PortOptions options, int index, TimeProvider time)
{
    private readonly TimeProvider _time = time;
    private MacAddress[] _macs = [.. options.Macs];

    public string Name => Options.Name;

    /// <summary>Its place in tables and counters.</summary>
    public int Index => index;

    public PortOptions Options { get; private set; } = options;

    public LinkEmulator? ToGuest { get; private set; } = Emulate(options.ToGuest, time);

    public LinkEmulator? FromGuest { get; private set; } = Emulate(options.FromGuest, time);

    /// <summary>Who looks on; null for nobody. The control loop sets it.</summary>
    public PortCapture? Capture { get; set; }

    /// <summary>Whether somebody is there who takes frames.</summary>
    public abstract bool IsUp { get; }

    /// <summary>Closes everything: it is no port any more.</summary>
    public abstract void Leave();

    /// <summary>No longer a part of the switch; frames still under way to it are nobody's.</summary>
    public bool IsGone { get; protected set; }

    /// <summary>What the counters stood at when the port was made: its place may have been another's.</summary>
    public long[] CountersBefore { get; set; } = [];

    /// <summary>Changes what can be changed while it runs.</summary>
    public void Change(PortOptions options)
    {
        if (options.ToGuest != Options.ToGuest) ToGuest = Emulate(options.ToGuest, _time);
        if (options.FromGuest != Options.FromGuest) FromGuest = Emulate(options.FromGuest, _time);
        _macs = [.. options.Macs];
        Options = options;
    }

    /// <summary>Whether a source address may be sent from here as far as the port itself says.</summary>
    public bool Owns(ulong mac)
    {
        foreach (MacAddress own in _macs)
            if (own.Value == mac) return true;
        return false;
    }

    /// <summary>Gives a frame to the guest, at once. Called by data threads.</summary>
    public abstract void Deliver(in Frame frame, int hint, DataThread thread);

    private static LinkEmulator? Emulate(LinkConditions? conditions, TimeProvider time) => conditions is null ? null : new(conditions, time);
}
