/** Generated from the server's OpenAPI document by `npm run generate`; not edited by hand. */
export interface paths {
    "/apis/kodkod.dev/v1alpha1/rulesets/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["readKodkodDevV1alpha1RuleSet"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch: operations["patchKodkodDevV1alpha1RuleSet"];
        trace?: never;
    };
    "/apis/kodkod.dev/v1alpha1/namespaces/{namespace}/workloadendpoints/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["readKodkodDevV1alpha1WorkloadEndpoint"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch: operations["patchKodkodDevV1alpha1WorkloadEndpoint"];
        trace?: never;
    };
    "/apis/kodkod.dev/v1alpha1/nodereports/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["readKodkodDevV1alpha1NodeReport"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch: operations["patchKodkodDevV1alpha1NodeReport"];
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description Standard object's metadata. */
        "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta": {
            /** @description Unique within the namespace. */
            name?: string;
            /** @description Prefix of a name that the server completes. */
            generateName?: string;
            /** @description Namespace of the object. */
            namespace?: string;
            /** @description Labels. */
            labels?: {
                [key: string]: string;
            };
            /** @description Annotations. */
            annotations?: {
                [key: string]: string;
            };
            /** @description Set by the server. */
            uid?: string;
            /** @description Set by the server. */
            resourceVersion?: string;
            /**
             * Format: int64
             * @description Counts changes of the desired state.
             */
            generation?: number;
            /**
             * Format: date-time
             * @description Set by the server.
             */
            creationTimestamp?: string;
            /**
             * Format: date-time
             * @description Set by the server.
             */
            deletionTimestamp?: string;
            /**
             * Format: int64
             * @description Set by the server.
             */
            deletionGracePeriodSeconds?: number;
            /** @description Hold the object back. */
            finalizers?: string[];
            /** @description Objects it belongs to. */
            ownerReferences?: Record<string, never>[];
            /** @description Who wrote which field. */
            managedFields?: Record<string, never>[];
            /** @description Not used any more. */
            selfLink?: string;
        };
        /** @description RuleSet holds signature rules for the inspected workloads that its selector picks. */
        "dev.kodkod.v1alpha1.RuleSet": {
            /** @description Group and version of this object. */
            apiVersion?: string;
            /** @description Kind of this object. */
            kind?: string;
            /** @description Standard object's metadata. */
            metadata?: components["schemas"]["io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"];
            /** @description Rules, and whom they are for. */
            spec: {
                /**
                 * @description Inspected endpoints of any namespace that the rules are for, beside the rules in force everywhere. A namespace is picked by its label, projectcalico.org/namespace == "dev".
                 * @default all()
                 */
                selector?: string;
                /** @description The rules, one a line, in the language of Snort 3, Snort 2.9 or Suricata. */
                rules: string;
            };
            /** @description What was observed. */
            status?: {
                /** @description Rules that are honoured wholly. */
                full?: number;
                /** @description Rules of which a part is ignored. */
                degraded?: number;
                /** @description Rules that are not loaded. */
                skipped?: number;
                /** @description Inspected endpoints, on all nodes, that the rules are for. */
                endpoints?: number;
                /** @description Why rules are not loaded, each with its line and column; at most ten. */
                errors?: string[];
                /** @description Generation of the spec that this is about. */
                observedGeneration?: number;
                /** @description Observed facts, in Kubernetes' common form. */
                conditions?: {
                    /** @description Name of the fact, such as Ready. */
                    type: string;
                    /**
                     * @description Whether the fact holds.
                     * @enum {string}
                     */
                    status: "True" | "False" | "Unknown";
                    /** @description One word, for programs, why it is so. */
                    reason?: string;
                    /** @description A sentence, for people, why it is so. */
                    message?: string;
                    /**
                     * Format: date-time
                     * @description When the status changed last.
                     */
                    lastTransitionTime?: string;
                    /**
                     * Format: date-time
                     * @description When the fact was looked at last.
                     */
                    lastHeartbeatTime?: string;
                    /** @description Generation of the spec that was looked at. */
                    observedGeneration?: number;
                }[];
            };
        };
        /** @description WorkloadEndpoint declares an interface of a host to be a workload, so that selectors can pick it. */
        "dev.kodkod.v1alpha1.WorkloadEndpoint": {
            /** @description Group and version of this object. */
            apiVersion?: string;
            /** @description Kind of this object. */
            kind?: string;
            /** @description Standard object's metadata. */
            metadata?: components["schemas"]["io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"];
            /** @description The interface and who is behind it. */
            spec: {
                /** @description Host that has the interface. */
                node: string;
                /** @description Name of the interface. */
                interface: string;
                /** @description Named network namespace that has the interface; absent: the host's own. */
                networkNamespace?: string;
                /** @description Name of the workload; absent: the object's name. */
                workload?: string;
                /** @description IP addresses of the workload; absent: those of the interface. */
                addresses?: string[];
                /** @description Service account that the workload runs as. */
                serviceAccount?: string;
            };
        };
        /** @description NodeReport tells what one process of one node observes: captures, inspections, drops, disk. */
        "dev.kodkod.v1alpha1.NodeReport": {
            /** @description Group and version of this object. */
            apiVersion?: string;
            /** @description Kind of this object. */
            kind?: string;
            /** @description Standard object's metadata. */
            metadata?: components["schemas"]["io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"];
            /** @description Whose report this is. */
            spec: {
                /** @description Name of the node. */
                node: string;
                /**
                 * @description Which of its processes.
                 * @enum {string}
                 */
                role: "agent" | "inspector";
            };
            /** @description What was observed. Written by that process. */
            status?: {
                /** @description When the process looked last. */
                observedAt?: string;
                /** @description When the process began. */
                startedAt?: string;
                /** @description Its process id. */
                pid?: number;
                /**
                 * @description Its version.
                 * @default
                 */
                version?: string;
                /**
                 * @description Whether it does what it is there for.
                 * @default false
                 */
                ready?: boolean;
                /**
                 * @description Base URL of the node's file server; an agent's only.
                 * @default
                 */
                address?: string;
                /**
                 * @description Certificate (PEM) that this file server shows, where it is one of its own making.
                 * @default
                 */
                certificate?: string;
                /**
                 * @description Endpoints of this node.
                 * @default 0
                 */
                endpoints?: number;
                /**
                 * @description Interfaces listened to for logs or inspection.
                 * @default 0
                 */
                interfaces?: number;
                /**
                 * @description Packets looked at for logs or inspection since the start.
                 * @default 0
                 */
                packets?: number;
                /** @description Packets lost for logs or inspection, by reason. */
                drops?: Record<string, unknown>;
                /**
                 * @description Flow and DNS facts left out because nobody could say whose interface they were seen at.
                 * @default 0
                 */
                unattributed?: number;
                /** @description Captures with endpoints or files here. */
                captures?: {
                    /** @description Namespace of the PacketCapture. */
                    namespace: string;
                    /** @description Its name. */
                    name: string;
                    /** @description Its uid, so that a successor of the same name is not mistaken for it. */
                    uid: string;
                    /**
                     * @description Generation of the spec at work.
                     * @default 0
                     */
                    generation?: number;
                    /**
                     * @description The endpoints' states folded into one.
                     * @enum {string}
                     */
                    state: "Capturing" | "Finished" | "Scheduled" | "Error" | "WaitingForTraffic";
                    /**
                     * @description One word why, where that is not obvious.
                     * @default
                     */
                    reason?: string;
                    /**
                     * @description A sentence why.
                     * @default
                     */
                    message?: string;
                    /**
                     * @description Folder below which {namespace}/{name}/ holds the files.
                     * @default
                     */
                    directory?: string;
                    /** @description Files held, sorted by name. */
                    files?: {
                        /** @description Name within the capture's own folder. */
                        name: string;
                        /**
                         * @description Size when looked at.
                         * @default 0
                         */
                        bytes?: number;
                        /**
                         * @description Whether it is still being written.
                         * @default false
                         */
                        active?: boolean;
                    }[];
                    /** @description Interfaces selected now. */
                    endpoints?: {
                        /** @description Name of the workload, the pod's for a pod. */
                        workload: string;
                        /** @description Interface that is listened to. */
                        interface: string;
                        /**
                         * @description State of the recording there.
                         * @enum {string}
                         */
                        state: "Capturing" | "Finished" | "Scheduled" | "Error" | "WaitingForTraffic";
                        /**
                         * @description One word why, where that is not obvious.
                         * @default
                         */
                        reason?: string;
                        /**
                         * @description A sentence why.
                         * @default
                         */
                        message?: string;
                    }[];
                    /**
                     * @description Packets written since the capture began, whatever restarts came between.
                     * @default 0
                     */
                    packets?: number;
                    /**
                     * @description Their bytes.
                     * @default 0
                     */
                    bytes?: number;
                    /** @description Packets that were due but lost, by reason (kernel: the ring's own counter). */
                    drops?: Record<string, unknown>;
                    /**
                     * @description Files closed by rotation.
                     * @default 0
                     */
                    rotatedFiles?: number;
                    /**
                     * @description Rotated files removed to keep the budget: the only way packets leave the disk while the object lives.
                     * @default 0
                     */
                    discardedFiles?: number;
                    /** @description Time of the first packet ever written. */
                    firstPacket?: string;
                    /** @description Time of the last one. */
                    lastPacket?: string;
                    /** @description Time of the oldest packet still held in a file. */
                    oldestPacket?: string;
                    /** @description What could not be honoured while the rest goes on. */
                    warnings?: string[];
                }[];
                /** @description Inspections; an inspector's only. */
                inspections?: {
                    /** @description Namespace of the DeepPacketInspection. */
                    namespace: string;
                    /** @description Its name. */
                    name: string;
                    /** @description Its uid. */
                    uid: string;
                    /**
                     * @description Generation of the spec at work.
                     * @default 0
                     */
                    generation?: number;
                    /** @description Running on every endpoint it selects here. */
                    success: boolean;
                    /**
                     * @description Endpoints it selects here.
                     * @default 0
                     */
                    selected?: number;
                    /**
                     * @description Endpoints of these that are being inspected.
                     * @default 0
                     */
                    attached?: number;
                    /**
                     * @description Packets looked at.
                     * @default 0
                     */
                    packets?: number;
                    /**
                     * @description Alerts raised.
                     * @default 0
                     */
                    alerts?: number;
                    /** @description Packets that were due but not looked at, by reason. */
                    drops?: Record<string, unknown>;
                    /** @description The newest errors. */
                    errorConditions?: {
                        /** @description What is wrong, and where. */
                        message: string;
                        /** @description When it was seen last. */
                        lastUpdated: string;
                    }[];
                }[];
                /** @description Rules in force; an inspector's only. */
                rules?: {
                    /**
                     * @description Identity of the compiled set.
                     * @default
                     */
                    digest?: string;
                    /**
                     * @description Rules that are honoured wholly.
                     * @default 0
                     */
                    full?: number;
                    /**
                     * @description Rules of which a part is ignored.
                     * @default 0
                     */
                    degraded?: number;
                    /**
                     * @description Rules that are not loaded.
                     * @default 0
                     */
                    skipped?: number;
                    /** @description Files they came from. */
                    sources?: string[];
                };
                /** @description RuleSet objects; an inspector's only. */
                ruleSets?: {
                    /** @description Its name. */
                    name: string;
                    /** @description Its uid. */
                    uid: string;
                    /**
                     * @description Generation of the spec at work.
                     * @default 0
                     */
                    generation?: number;
                    /**
                     * @description Rules that are honoured wholly.
                     * @default 0
                     */
                    full?: number;
                    /**
                     * @description Rules of which a part is ignored.
                     * @default 0
                     */
                    degraded?: number;
                    /**
                     * @description Rules that are not loaded.
                     * @default 0
                     */
                    skipped?: number;
                    /**
                     * @description Inspected endpoints here that it is for.
                     * @default 0
                     */
                    endpoints?: number;
                    /** @description Why rules are not loaded, each with its line and column. */
                    errors?: string[];
                }[];
                /** @description What bounds the engine. */
                engine?: {
                    /**
                     * @description Worker threads.
                     * @default 1
                     */
                    workers?: number;
                    /**
                     * @description Memory the engine keeps its tables within.
                     * @default 0
                     */
                    memoryBytes?: number;
                    /**
                     * @description Thousandths of a core that the process may take; 0 where nothing limits it.
                     * @default 0
                     */
                    cpuMillis?: number;
                    /**
                     * @description Memory that the process may take as a whole; 0 where nothing limits it.
                     * @default 0
                     */
                    limitBytes?: number;
                    /**
                     * @description The control group version in use, or why none is.
                     * @default
                     */
                    cgroup?: string;
                };
                /** @description Room for capture files; an agent's only. */
                disk?: {
                    /**
                     * @description Bytes of all capture files.
                     * @default 0
                     */
                    captureBytes?: number;
                    /**
                     * @description Most they may take.
                     * @default 0
                     */
                    budgetBytes?: number;
                    /**
                     * @description Bytes free on the file system.
                     * @default 0
                     */
                    freeBytes?: number;
                    /**
                     * @description Its size.
                     * @default 0
                     */
                    totalBytes?: number;
                    /**
                     * @description Whether captures are held back for want of room.
                     * @default false
                     */
                    pressure?: boolean;
                };
                /** @description Records that wait for the server. */
                spool?: {
                    /**
                     * @description Files waiting.
                     * @default 0
                     */
                    segments?: number;
                    /**
                     * @description Their size.
                     * @default 0
                     */
                    bytes?: number;
                    /**
                     * @description Records given up because the spool was full or the server refused them for good.
                     * @default 0
                     */
                    lost?: number;
                };
                /** @description What the process coped with and an operator should look at. */
                warnings?: string[];
            };
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    readKodkodDevV1alpha1RuleSet: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["dev.kodkod.v1alpha1.RuleSet"];
                };
            };
        };
    };
    patchKodkodDevV1alpha1RuleSet: {
        parameters: {
            query?: {
                dryRun?: string;
                fieldManager?: string;
                fieldValidation?: string;
                force?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["dev.kodkod.v1alpha1.RuleSet"];
                };
            };
        };
    };
    readKodkodDevV1alpha1WorkloadEndpoint: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["dev.kodkod.v1alpha1.WorkloadEndpoint"];
                };
            };
        };
    };
    patchKodkodDevV1alpha1WorkloadEndpoint: {
        parameters: {
            query?: {
                dryRun?: string;
                fieldManager?: string;
                fieldValidation?: string;
                force?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["dev.kodkod.v1alpha1.WorkloadEndpoint"];
                };
            };
        };
    };
    readKodkodDevV1alpha1NodeReport: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["dev.kodkod.v1alpha1.NodeReport"];
                };
            };
        };
    };
    patchKodkodDevV1alpha1NodeReport: {
        parameters: {
            query?: {
                dryRun?: string;
                fieldManager?: string;
                fieldValidation?: string;
                force?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["dev.kodkod.v1alpha1.NodeReport"];
                };
            };
        };
    };
}
