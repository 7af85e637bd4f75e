// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Memory;

namespace Tombolo.Regions;

/// <summary>One direction of one region, in a real window. Thread-safe; borrows everything.</summary>
/// <param name="window">The window, writable.</param>
/// <param name="region">The region, checked.</param>
/// <param name="table">One of its tables.</param>
/// <param name="bell">The doorbell of whoever receives by this table.</param>
/// <param name="owed">Receives what is to be signalled back; null: nobody does that.</param>
internal readonly struct RegionGround(Window window, RegionDescriptor region, SignalTable table, SafeFd bell, OwedSignals? owed = null) : ISignalGround
{
    public int Slots => table.Slots;

    public uint ReadSlot(int slot) => SlotView(slot).ReadAcquire32(0);

    public uint CompareExchangeSlot(int slot, uint value, uint expected) => SlotView(slot).CompareExchange32(0, value, expected);

    public uint ExchangeSlot(int slot, uint value) => SlotView(slot).Exchange32(0, value);

    public uint ReadSignalled() => SignalledView.ReadAcquire32(0);

    public uint ExchangeSignalled(uint value) => SignalledView.Exchange32(0, value);

    // An eventfd that can be read holds rings that its owner has not taken.
    public bool IsRingPending() => UnixSocket.Wait(bell, forReading: true, TimeSpan.Zero);

    public void Ring() => EventFd.Signal(bell);

    public void Wake(uint offset) => Futex.Wake(ref window.View(region.BeginOffset + offset, sizeof(uint)).Word32(0));

    public bool CanReturn => owed is null || !owed.IsFull;

    public void Return(uint offset) => owed?.Add(offset);

    /// <summary>Sleeps a little while a full table stays full. Nobody wakes for room across the border, so it is looked for again soon.</summary>
    public void AwaitRoom(uint offset, TimeSpan pause)
    {
        int slot = (int)(offset >> 2) & (Slots - 1);
        SharedView view = SlotView(slot);
        uint held = view.ReadAcquire32(0);
        if (held != 0) _ = Futex.Wait(ref view.Word32(0), held, pause);
    }

    private SharedView SlotView(int slot) => window.View(region.BeginOffset + table.SlotsOffset + (4L * slot), sizeof(uint));

    private SharedView SignalledView => window.View(region.BeginOffset + table.SignalledOffset, sizeof(uint));
}
