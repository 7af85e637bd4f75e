// SPDX-License-Identifier: MIT
using Tombolo.Memory;

namespace Tombolo.Channels;

/// <summary>The lock of an area's directory: one word with its holder's identity. A dead holder's lock is taken over; what it left half done, the next holder clears away.</summary>
internal readonly struct DirectoryLock(SharedWord64 word, IParty party, TimeSpan patience)
{
    /// <summary>Takes the lock.</summary>
    /// <exception cref="ChannelException">A living party held it for longer than the patience lasts.</exception>
    public void Take()
    {
        long deadline = Environment.TickCount64 + (long)patience.TotalMilliseconds;
        var wait = new SpinWait();
        while (true)
        {
            if (party.IsGone) throw ChannelException.Gone("The memory of these channels");
            ulong holder = word.ReadAcquire();
            if (holder == 0 || (holder != party.Id.Value && !party.IsAliveOrNew(new(holder))))
            {
                Step.Before("directory lock");
                if (word.CompareExchange(party.Id.Value, holder) == holder) return;
            }
            if (Environment.TickCount64 > deadline)
                throw new ChannelException(ChannelFault.Busy, $"The directory of this area was held by {new PartyId(holder)} for {patience.TotalSeconds} s; it lives, but does not go on.");
            wait.SpinOnce();
        }
    }

    /// <summary>Gives the lock back.</summary>
    public void Release()
    {
        Step.Before("directory unlock");
        _ = word.CompareExchange(0, party.Id.Value);   // ORDER: full barrier; everything done under the lock is visible before it is free.  PAIRS WITH: the exchange in Take
    }
}
