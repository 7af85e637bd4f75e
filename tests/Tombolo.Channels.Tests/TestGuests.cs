// SPDX-License-Identifier: MIT
using Tombolo.Ivshmem;
using Tombolo.Linux;
using Tombolo.Memory;

namespace Tombolo.Channels.Tests;

/// <summary>Programs in guests, without the guests: nobody is told of others, programs of one guest share its ID, and each hears all of its rings.</summary>
internal sealed class TestGuests : IDisposable
{
    private readonly SafeFd _memory = Memfd.Create("tombolo-guests-test", 1 << 20);
    private readonly Lock _lock = new();   // guards the programs
    private readonly List<Program> _programs = [];

    /// <summary>Starts a program.</summary>
    /// <param name="guest">The ID of its guest.</param>
    public Program Start(int guest)
    {
        var program = new Program(this, new((ushort)guest));
        lock (_lock) _programs.Add(program);
        return program;
    }

    public void Dispose()
    {
        foreach (Program program in _programs) program.End();
        _memory.Dispose();
    }

    /// <summary>One program's standing.</summary>
    public sealed class Program(TestGuests all, PeerId id) : IParticipant
    {
        private readonly SafeFd _bell = EventFd.Create(), _control = EventFd.Create();
        private volatile bool _isGone;

        public PeerId Id { get; } = id;
        public Window Window { get; } = Window.MapDevice(all._memory, 1 << 20);
        public IReadOnlyList<SafeFd> Vectors => [_bell];
        public SafeFd Control => _control;
        public bool KnowsPeers => false;
        public IReadOnlyList<PeerId> Peers => [];
        public event Action<PeerId>? Joined { add { } remove { } }
        public event Action<PeerId>? Left { add { } remove { } }

        /// <summary>Whether its rings are lost, as they are while its QEMU has not heard of the receiver.</summary>
        public bool LosesRings { get; set; }

        /// <summary>Pulls its device out.</summary>
        public void Unplug()
        {
            _isGone = true;
            _ = EventFd.Signal(_control);
        }

        public bool ProcessControl() => !_isGone;

        public bool Ring(PeerId peer, int vector)
        {
            if (LosesRings) return true;
            lock (all._lock)
                foreach (Program program in all._programs)
                    if (program.Id == peer && !program._bell.IsClosed) _ = EventFd.Signal(program._bell);
            return true;
        }

        /// <summary>The program is over.</summary>
        public void End()
        {
            lock (all._lock) _bell.Dispose();
            _control.Dispose();
            Window.Dispose();
        }

        public void Dispose() { }
    }
}
