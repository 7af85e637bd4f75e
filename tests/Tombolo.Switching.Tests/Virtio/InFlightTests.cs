// SPDX-License-Identifier: MIT
namespace Tombolo.Switching.Tests;

/// <summary>The device dies at every step of what it keeps; its successor on the same memory loses nothing and gives every buffer back once.</summary>
public sealed class InFlightTests
{
    private sealed class Death : Exception;

    [Theory]
    [InlineData(false, 1), InlineData(false, 3), InlineData(true, 1), InlineData(true, 3)]
    public void Device_KilledAtEveryStep_SuccessorLosesNothing(bool isPacked, int batch)
    {
        int deaths = 0;
        for (int at = 1; ; at++, deaths++)
            if (!RunKilled(isPacked, batch, at)) break;
        deaths.ShouldBeGreaterThan(50);
    }

    // Chains of two and more, so that a packed ring's descriptors are overwritten in part; true where the device was killed.
    private static bool RunKilled(bool isPacked, int batch, int killAt)
    {
        using var rig = new RingRig(isPacked, size: 8, VirtioFeatures.None, hasInFlight: true);
        int steps = 0;
        bool isDead = false;
        rig.Device = rig.Create(() => { if (++steps == killAt) throw new Death(); });
        var posted = new Queue<int>();
        var seen = new HashSet<int>();
        int number = 0, returned = 0;
        for (int round = 0; round < 6; round++)
        {
            while (true)
            {
                int parts = (number % 3) + 1;
                var buffers = new ScriptedBuffer[parts];
                for (int i = 0; i < parts; i++) buffers[i] = new(RingRig.BuffersAt + ((ulong)(number % 64) * 256) + ((ulong)i * 64), 64);
                rig.Memory.Write32(buffers[0].Address, (uint)number);
                int id = rig.Driver.Post(buffers);
                if (id < 0) break;
                posted.Enqueue(id);
                number++;
            }
            try { Serve(rig, batch, seen); }
            catch (Death)
            {
                isDead = true;
                rig.Device = rig.Create();
                Serve(rig, batch, seen);
            }
            while (rig.Driver.TryGetUsed(out ushort id, out _))
            {
                ((int)id).ShouldBe(posted.Dequeue(), $"killed at step {killAt}: each comes back once, in order");
                returned++;
            }
        }
        seen.ShouldBe(Enumerable.Range(0, number), ignoreOrder: true, $"killed at step {killAt}");
        returned.ShouldBe(number);
        return isDead;
    }

    private static void Serve(RingRig rig, int batch, HashSet<int> seen)
    {
        var chains = new Queue<Chain>();
        while (true)
        {
            rig.Buffers.Clear();
            bool came = rig.Device.TryTake(rig.Buffers, out Chain chain);
            rig.Device.Fault.ShouldBe(RingFault.None);
            if (came)
            {
                _ = seen.Add(RingRig.NumberIn(rig.Buffers));
                rig.Buffers.Readable.Length.ShouldBe((RingRig.NumberIn(rig.Buffers) % 3) + 1);
                chains.Enqueue(chain);
            }
            if (chains.Count == batch || !came)
            {
                while (chains.TryDequeue(out Chain done)) rig.Device.Complete(done, 0xdead);
                rig.Device.Publish();
            }
            if (!came) return;
        }
    }
}
