// SPDX-License-Identifier: MIT
using Tombolo.Channels;
using Tombolo.Cli.Output;
using Tombolo.Ivshmem;

namespace Tombolo.Cli.Channels;

/// <summary>Channels that a command has opened, with what they stand on.</summary>
internal sealed class ChannelGround : IDisposable
{
    private static readonly TimeSpan _look = TimeSpan.FromMilliseconds(50);

    private readonly IDisposable[] _below;
    private readonly TimeSpan _patience;

    private ChannelGround(ChannelArea area, TimeSpan patience, params IDisposable[] below) => (Area, _patience, _below) = (area, patience, below);

    /// <summary>The channels.</summary>
    public ChannelArea Area { get; }

    /// <summary>Channels in a file.</summary>
    public static ChannelGround Of(ChannelArea area) => new(area, TimeSpan.Zero);

    /// <summary>Channels in a fabric's window.</summary>
    /// <param name="self">The standing; disposed with the channels, or when this call fails.</param>
    /// <param name="options">Where in the window.</param>
    public static ChannelGround On(IParticipant self, ChannelAreaOptions options)
    {
        var settings = new FabricPartyOptions();
        FabricParty? party = null;
        try
        {
            if (options.Creates && !ChannelArea.MayBeAt(self.Window, options.OffsetBytes))
                throw new CommandException($"The window holds something else than channels at offset {options.OffsetBytes}, a mailbox's slots perhaps; say with --at where there is room, for it would be overwritten");
            party = new(new IvshmemFabric(self), settings, ownsFabric: true);
            return new(ChannelArea.Open(self.Window, party, options), settings.DeathAfter + settings.Beat, party, self);
        }
        catch
        {
            party?.Dispose();
            self.Dispose();
            throw;
        }
    }

    /// <summary>Takes an end. On a fabric, where a holder that was killed counts as alive until its heartbeat has been missed for a while, it waits so long.</summary>
    public async Task<TEnd> TakeAsync<TEnd>(Func<ChannelArea, TEnd> take, TimeProvider time, CancellationToken stop)
    {
        long start = time.GetTimestamp();
        while (true)
        {
            try { return take(Area); }
            catch (ChannelException taken) when (taken.Fault == ChannelFault.EndTaken && time.GetElapsedTime(start) < _patience) { }
            await Task.Delay(_look, time, stop);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Area.Dispose();
        foreach (IDisposable one in _below) one.Dispose();
    }
}
