// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Memory;

namespace Tombolo.Channels;

/// <summary>This process among the processes of one host: it sleeps on the shared words themselves (futex), and the kernel tells it of deaths (pidfd).</summary>
/// <remarks>
/// Nothing has to be handed from process to process, and nothing has to be set up again after a death: the word in memory is the doorbell. All of them must share a PID namespace, for
/// identities are process ids with start times; areas remember theirs and refuse others. One per process; disposing it does nothing. Source: futex(2), pidfd_open(2).
/// </remarks>
public sealed class HostParty : IParty
{
    private readonly uint _user = LinuxProcess.EffectiveUserId;

    private HostParty()
    {
        Id = IdOf(Environment.ProcessId) ?? throw new InvalidOperationException("This process does not find itself in /proc; is it mounted?");
        Domain = new(Digest(File.ReadAllText("/proc/sys/kernel/random/boot_id")), Digest(new FileInfo("/proc/self/ns/pid").LinkTarget ?? "none"));
    }

    /// <summary>This process.</summary>
    public static HostParty Current { get; } = new();

    /// <inheritdoc/>
    public PartyId Id { get; }

    /// <inheritdoc/>
    public AreaDomain Domain { get; }

    /// <summary>The identity of a process.</summary>
    /// <param name="processId">A process id.</param>
    /// <returns>Null where there is no such process.</returns>
    public static PartyId? IdOf(int processId) => LinuxProcess.StartTimeOf(processId) is { } start ? PartyId.Of(PartyKind.Process, processId, start) : null;

    /// <inheritdoc/>
    public void Join(PartyTable parties) { }

    /// <inheritdoc/>
    public void Leave(PartyTable parties) { }

    /// <inheritdoc/>
    public bool IsAlive(PartyId party) => party == Id || (party.Kind == PartyKind.Process && party.Number > 0 && IdOf(party.Number) == party);

    /// <inheritdoc/>
    public bool IsCovered(uint right) => right == ChannelRights.Anybody || right == _user || _user == 0;

    /// <inheritdoc/>
    public IDisposable? Watch(PartyId party, Action died)
    {
        if (party == Id) return ProcessWatch.Nothing;   // whoever could be told would be dead
        if (party.Kind != PartyKind.Process || party.Number == 0) return null;
        SafeFd? process = LinuxProcess.TryOpen(party.Number);
        if (process is null) return null;
        if (IdOf(party.Number) != party)   // looked at after the open: the number cannot have changed hands unnoticed
        {
            process.Dispose();
            return null;
        }
        return ProcessWatch.Start(process, died);
    }

    /// <inheritdoc/>
    public void Sleep(SharedWord32 word, uint value, TimeSpan timeout)
    {
        try { _ = Futex.Wait(ref word.Reference, value, timeout); }
        catch (LinuxException exception) when (exception.Errno == Errno.BadAddress) { }   // the memory was cut short: the end's next look tells
    }

    /// <inheritdoc/>
    public ValueTask SleepAsync(SharedWord32 word, uint value, TimeSpan timeout) => FutexSleepers.Current.SleepAsync(word, value, timeout);

    /// <inheritdoc/>
    public void Wake(PartyId party, SharedWord32 word) => _ = Futex.Wake(ref word.Reference);

    /// <inheritdoc/>
    /// <remarks>A sleeper that has begun its next sleep meanwhile is woken for nothing.</remarks>
    public bool WakeSleeper(PartyId party, SharedWord32 word, uint asleep)
    {
        if (word.ReadAcquire() != asleep) return false;
        _ = Futex.WakeEven(ref word.Reference);
        return true;
    }

    /// <inheritdoc/>
    public void Dispose() { }

    // FNV-1a, 64 bits, never 0: what differs must differ here, and nobody gains by a collision.
    private static ulong Digest(string text)
    {
        ulong hash = 0xCBF2_9CE4_8422_2325;
        foreach (char c in text) hash = (hash ^ c) * 0x100_0000_01B3;
        return hash | 1;
    }
}
